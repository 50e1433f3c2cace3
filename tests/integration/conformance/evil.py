"""What nodes may do to harm a client or a proxy: the classes of the EAST suite, turned against the side that faces nodes."""

from conformance.table import EVIL, Section

greeting = Section(EVIL, "greeting")
greeting.elsewhere("refuses, with or without [SYS/...], an APOP stamp or control characters",
                   "[SYS/TEMP] of our own words; no password is shown", "test_bad_nodes.py::test_a_greeting_that_is_none",
                   "test_evil_nodes.py::test_greetings_that_say_too_much_get_no_password")
greeting.elsewhere("greets with a code, a stamp, control characters, 600 bytes",
                   "served; nothing of it reaches the client",
                   "test_evil_nodes.py::test_odd_greetings_are_the_nodes_own_affair")
greeting.elsewhere("greets in several lines, without an end, in another protocol", "[SYS/TEMP]; no password is shown",
                   "test_bad_nodes.py::test_a_greeting_that_is_none",
                   "test_evil_nodes.py::test_greetings_that_say_too_much_get_no_password")

capa = Section(EVIL, "CAPA")
capa.elsewhere("refuses it, says nothing in it, or too much, or control characters",
               "CAPA before login has only our lines",
               "test_evil_nodes.py::test_before_login_capa_is_never_the_nodes_words")
capa.elsewhere("never ends it", "a failed probe; a session that asks ends; no memory",
               "test_evil_nodes.py::test_endless_capabilities_are_a_failed_probe")
capa.elsewhere("offers STLS, SASL and XCLIENT in odd spellings after login", "left out",
               "test_evil_nodes.py::test_after_login_no_capability_of_ours_comes_from_the_node",
               "test_listeners.py::test_capabilities_that_cannot_pass_are_taken_out")

buffering = Section(EVIL, "buffering")
buffering.elsewhere("answers PASS before it is asked", "no password is shown, [SYS/TEMP]",
                    "test_evil_nodes.py::test_an_answer_to_pass_before_pass")
buffering.elsewhere("sends more behind the login's answer", "the login doesn't count",
                    "test_evil_nodes.py::test_answers_behind_the_logins")
buffering.elsewhere("sends more than the answer, or unasked", "the client never sees it; the session ends",
                    "test_evil_nodes.py::test_more_than_the_answer_ends_the_session",
                    "test_bad_nodes.py::test_an_answer_too_many", "test_bad_nodes.py::test_words_in_the_middle_of_nothing")
buffering.elsewhere("sends several answers in one packet, or one in many", "fine, if they were asked for",
                    "test_evil_nodes.py::test_answers_to_commands_under_way_may_come_in_one_packet",
                    "test_bad_nodes.py::test_a_node_that_sends_byte_by_byte")

tampering = Section(EVIL, "tampering")
tampering.elsewhere("cuts a message off", "no false end",
                    "test_bad_nodes.py::test_death_in_a_download_gives_no_false_end")
tampering.elsewhere("ends it almost: LF . LF, CR . CR LF, NUL, blanks", "no end; passed byte for byte",
                    "test_evil_nodes.py::test_what_is_almost_an_end",
                    "test_bad_nodes.py::test_line_feeds_do_not_end_a_message")
tampering.elsewhere("forgets to stuff dots", "passed byte for byte",
                    "test_evil_nodes.py::test_dots_that_a_node_forgot_to_stuff")
tampering.elsewhere("lies in STAT, LIST and UIDL: NUL, endless numbers, disorder", "passed; harmless to Poplar",
                    "test_evil_nodes.py::test_odd_status_lines_pass_as_they_are",
                    "test_evil_nodes.py::test_odd_listings_pass_as_they_are")
tampering.elsewhere("refuses QUIT, or dies over it", "its -ERR passes; no +OK is invented",
                    "test_bad_nodes.py::test_the_nodes_refusal_of_quit_reaches_the_client",
                    "test_bad_nodes.py::test_death_after_quit_gives_no_false_ok")

certificates = Section(EVIL, "certificates")
certificates.elsewhere("shows one that is out of date, its own, a client's, another authority's",
                       "nothing is said to it",
                       "test_evil_nodes.py::test_a_node_whose_certificate_is_not_valid_now",
                       "test_evil_nodes.py::test_a_node_that_vouches_for_itself",
                       "test_evil_nodes.py::test_a_node_with_a_clients_certificate",
                       "test_tls.py::test_a_node_of_another_authority_is_refused")
certificates.elsewhere("shows one for almost the name", "nothing is said to it",
                       "test_evil_nodes.py::test_a_node_with_almost_the_name",
                       "test_evil_nodes.py::test_a_node_with_the_name_only_in_the_subject")
certificates.elsewhere("answers the handshake with something else, or not at all", "[SYS/TEMP] in time",
                       "test_evil_nodes.py::test_a_node_that_cannot_shake_hands",
                       "test_tls.py::test_a_plain_node_where_tls_was_asked_is_refused")

provoked = Section(EVIL, "provoked")
provoked.elsewhere("closes the connection when a client's password or token is too long for it",
                   "no evidence against the node",
                   "test_long_credentials.py::test_long_passwords_of_strangers_eject_no_node")
