"""The other RFCs and conventions: mostly shown by tests of their own, since no real server plays a part in them."""

from conformance.stand import capabilities
from conformance.table import RFCS, Section
from wire import fetch_all

stls = Section(RFCS, "2595")


@stls.check("4", "STLS is offered before TLS, and USER and SASL only behind it; all mail passes")
def mail_over_stls(stand):
    with stand.connect_plain() as session:
        before = capabilities(session)
        assert b"STLS" in before and not before & {b"USER", b"SASL"}
        assert session.command(f"USER {stand.reader}").startswith(b"-ERR")
        stand.proxy.start_tls(session)
        after = capabilities(session)
        assert b"STLS" not in after and {b"USER", b"SASL"} <= after
        session.log_in(stand.reader)
        assert fetch_all(session) == stand.truth
        session.ok("QUIT")


stls.elsewhere("4", "whatever came with STLS in the clear is dropped (command injection)",
               "test_stls.py::test_commands_behind_stls_are_never_done",
               "test_stls.py::test_a_client_hello_behind_stls_is_dropped_too")
stls.elsewhere("4", "what the client said before TLS is forgotten",
               "test_stls.py::test_what_was_said_before_is_forgotten")
stls.elsewhere("4", "only once, only before login, not behind implicit TLS",
               "test_stls.py::test_only_once_and_only_before_login")
stls.elsewhere("2.2", "no password in the clear: a clear -ERR at once", "test_stls.py::test_no_login_in_the_clear",
               "test_stls.py::test_no_handshake_behind_stls")

tls = Section(RFCS, "8314")
tls.elsewhere("3.3", "implicit TLS on port 995; nothing is said before the handshake",
              "test_bad_clients.py::test_what_is_not_tls")
tls.elsewhere("4.1", "TLS 1.2 or newer; version and cipher are logged", "test_tls.py::test_old_versions_are_refused",
              "test_tls.py::test_versions_in_use_are_logged", "test_tls_judges.py::test_testssl_finds_nothing")
tls.elsewhere("3", "no password in the clear unless the operator says so",
              "test_listeners.py::test_in_the_clear_only_by_explicit_word")

alpn = Section(RFCS, "7301")
alpn.elsewhere("3.2",
               "pop3 is selected where it is offered; no ALPN is fine; another protocol's client is refused (ALPACA)",
               "test_tls.py::test_alpn_pop3_is_selected", "test_tls.py::test_without_alpn_it_works",
               "test_tls.py::test_alpn_without_pop3_is_fatal")

names = Section(RFCS, "7817")
names.elsewhere("3", "as a client of nodes: the name from the configuration is what the certificate must have",
                "test_tls.py::test_a_node_that_is_verified_serves",
                "test_tls.py::test_the_address_is_the_name_where_none_is_given",
                "test_tls.py::test_a_node_with_another_name_is_refused",
                "test_tls.py::test_a_node_of_another_authority_is_refused")

names.elsewhere("3", "SNI is sent wherever the node has a name",
                "unit/proxy/tls/client_context_test.cc::ClientContextTest.AcceptsTheNamesAndAddressesOfTheCertificate")

records = Section(RFCS, "6186, 8997")
records.not_done("3.3", "SRV records `_pop3s._tcp` lead clients to port 995",
                 "they stand in the operator's DNS; a proxy neither publishes nor reads them")

framing = Section(RFCS, "framing")
framing.elsewhere("table", "a command decides whether its answer has one line or many; LIST, UIDL, LANG and AUTH by their argument",
                  "unit/proxy/pop3/command_test.cc::ExpectsMultiLineTest.FollowsTheFramingTable")
framing.elsewhere("terminator", "a message ends with CRLF . CRLF and nothing else",
                  "test_bad_nodes.py::test_line_feeds_do_not_end_a_message")
framing.elsewhere("terminator", "a node that never sends it is waited for, within a limit",
                  "test_timeouts.py::test_upstream_response_in_the_middle_of_a_message")
framing.elsewhere("buffers", "found wherever the bytes are cut; nothing is rewritten",
                  "test_bad_nodes.py::test_a_node_that_sends_byte_by_byte", "test_clients.py::test_every_message_arrives_bit_for_bit")
framing.elsewhere("-ERR", "a refusal is one line, whatever was asked",
                  "test_bad_nodes.py::test_refusals_are_single_lines_whatever_was_asked")
framing.elsewhere("queue", "commands under way are bounded; a slow reader is held back",
                  "test_pipelining.py::test_a_slow_reader_is_held_and_loses_nothing",
                  "test_pipelining.py::test_a_thousand_mixed_commands_keep_their_order")
framing.elsewhere("unknown", "an unknown command that the operator lets pass makes the session blind, not wrong",
                  "test_listeners.py::test_an_unknown_command_makes_the_session_opaque",
                  "test_pool.py::test_an_opaque_session_is_not_parked")
framing.elsewhere("unknown", "or is refused, by the operator's word",
                  "test_listeners.py::test_unknown_commands_may_be_refused")
framing.elsewhere("before login", "nothing that a client sent ahead runs before its login is answered",
                  "test_pipelining.py::test_commands_behind_a_failed_pass_do_not_reach_the_node")
framing.elsewhere("cut", "a download that a node leaves unfinished is never given an end",
                  "test_bad_nodes.py::test_death_in_a_download_gives_no_false_end")

proxy = Section(RFCS, "PROXY protocol")
proxy.elsewhere("2.1, 2.2", "versions 1 and 2 name the client, whatever TLVs come with them, however they are cut",
                "test_proxy_protocol.py::test_the_header_names_the_client", "test_proxy_protocol.py::test_cut_anywhere",
                "test_proxy_protocol.py::test_haproxys_clients_are_told_apart")
proxy.elsewhere("2.2", "LOCAL and UNKNOWN: the connection's own address, for health checks",
                "test_proxy_protocol.py::test_haproxys_health_checks_are_local")
proxy.elsewhere("2", "from configured networks only; there it must come, and come right",
                "test_proxy_protocol.py::test_one_port_for_the_balancer_and_for_those_who_come_directly",
                "test_proxy_protocol.py::test_on_one_port_nobody_takes_the_others_way",
                "test_proxy_protocol.py::test_from_elsewhere_it_is_garbage",
                "test_proxy_protocol.py::test_what_is_no_header_is_refused",
                "test_proxy_protocol.py::test_silence_is_not_waited_for")
proxy.elsewhere("2", "to nodes: versions 1 and 2, ahead of everything, in one piece",
                "test_node_login.py::test_the_proxy_header_brings_the_clients_address",
                "unit/proxy/upstream/connection_login_test.cc::ConnectionLoginTest.TheProxyHeaderComesFirst")

oauth = Section(RFCS, "7628")
oauth.elsewhere("3.1",
                "OAUTHBEARER, and XOAUTH2 which came before it: with an initial response or without, up to the node's own limit",
                "test_oauth.py::test_a_token_logs_in", "test_oauth.py::test_clients_with_tokens")
oauth.elsewhere("3.2.3",
                "a token that is refused: the reason as a challenge, the client's dummy answer or `*`, then -ERR",
                "test_oauth.py::test_a_token_that_is_refused", "test_oauth.py::test_the_reason_may_be_cancelled",
                "test_oauth.py::test_direct_and_through_are_the_same_refusal")
oauth.elsewhere("3.1", "what is no such message reaches no node", "test_oauth.py::test_messages_that_are_none",
                "test_oauth.py::test_a_token_of_a_megabyte_is_not_waited_for")
oauth.elsewhere("4", "tokens are asked about at each login, and written nowhere",
                "test_oauth.py::test_each_login_asks_the_node",
                "test_oauth.py::test_no_token_in_the_log")

scram = Section(RFCS, "5802, 7677")
scram.elsewhere("3", "SCRAM passes to the node once the client has named its user",
                "test_oauth.py::test_mpop_with_other_mechanisms", "test_oauth.py::test_mpop_with_scram_sha_1",
                "test_oauth.py::test_mpop_with_scram_and_a_wrong_password")
scram.elsewhere("6", "channel binding (-PLUS) can't pass a proxy that ends TLS: never offered",
                "what_is_offered_is_taken",
                "challenges_are_refused")

external = Section(RFCS, "4422")
external.elsewhere("A EXTERNAL", "a certificate lets its owner in, and nobody else",
                   "test_client_certificates.py::test_a_certificate_is_enough",
                   "test_client_certificates.py::test_nobody_elses_mailbox",
                   "test_client_certificates.py::test_without_a_certificate_there_is_no_external",
                   "test_client_certificates.py::test_a_certificate_that_does_not_count")

upstream = Section(RFCS, "2595, to nodes")
upstream.elsewhere("4", "what a node says behind its +OK to STLS is not believed; a node without STLS gets no login",
                   "test_node_login.py::test_nothing_goes_on_in_the_clear")
upstream.elsewhere("4", "STLS to real Dovecot; its certificate is verified as ever",
                   "test_node_login.py::test_stls_to_a_node",
                   "test_node_login.py::test_stls_verifies_as_implicit_tls_does")

sending = Section(RFCS, "5034, to nodes")
sending.elsewhere("4", "AUTH PLAIN where the node has it, else USER and PASS; long messages on a line of their own",
                  "test_node_login.py::test_a_password_goes_by_auth_plain",
                  "test_node_login.py::test_a_node_that_nobody_asked_gets_user_and_pass",
                  "test_node_login.py::test_a_long_message_goes_on_its_own_line")

sending.elsewhere("4", "a challenge that is `+` without its blank is taken, too",
                  "test_node_login.py::test_a_node_that_leaves_the_blank_behind_its_plus_out")

xclient = Section(RFCS, "XCLIENT (Dovecot's)")
xclient.elsewhere("", "the client's address and Poplar's session id stand in the node's log",
                  "test_node_login.py::test_xclient_brings_the_clients_address_and_the_sessions_id",
                  "test_node_login.py::test_xclient_on_a_warm_connection")

xclient.elsewhere("", "taken from other proxies of configured networks; a ring of proxies ends",
                  "test_chain.py::test_the_clients_address_goes_through", "test_chain.py::test_a_ring_ends")

utf8 = Section(RFCS, "6856")


@utf8.check("2", "UTF8 is offered where the node has it (Courier), and taken there; else -ERR")
def utf8_where_the_node_has_it(stand):
    with stand.connect() as session:
        offered = capabilities(session)
        answer = session.command("UTF8")
        assert (b"UTF8" in offered) == (stand.name == "courier") == answer.startswith(b"+OK"), (offered, answer)
        session.log_in(stand.reader)
        assert fetch_all(session) == stand.truth
        session.ok("QUIT")


@utf8.check("3", "LANG: none of these servers has it, so it is neither offered nor taken")
def no_languages(stand):
    with stand.connect() as session:
        assert b"LANG" not in capabilities(session)
        assert session.command("LANG de").startswith(b"-ERR")
        session.log_in(stand.reader).ok("QUIT")


utf8.elsewhere("2, 3", "where the node has them, both are told to it before the login; its answer to LANG passes, in one line or many",
               "test_node_login.py::test_utf8_and_the_language_are_told_before_the_login")
utf8.elsewhere("2", "a node that doesn't take the client's mode gets no login: the client was told that it has it",
               "test_node_login.py::test_a_node_that_refuses_the_clients_mode_gets_no_login")
utf8.elsewhere("2.1", "STLS forgets both", "unit/proxy/pop3/authorization_test.cc::AuthorizationTest.TlsForgetsAllThatWasSaidBefore")
