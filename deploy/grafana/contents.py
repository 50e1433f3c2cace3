"""What the dashboards show. Titles are quoted by ../prometheus/runbooks.md."""

from panels import (COLOURED, GREEN, ORANGE, RED, YELLOW, dashboard, graph, heatmap, limits, quantiles, table,
                    tile, timeline, words)

FAILED = 'result=~"backend_.*|directory_unavailable|internal|timeout"'
COUNTED = 'result!~"rejected|throttled|abandoned"'
FAILED_SHARE = (f"sum (rate(poplar_logins_total{{@own, {FAILED}}}[@rate]))"
                f" / sum (rate(poplar_logins_total{{@own, {COUNTED}}}[@rate]))")
GOOD_LOGINS = 'result="ok"'
STATES = words(up=(0, GREEN), ejected=(1, ORANGE), down=(2, RED), ejected_and_down=(3, RED))
STATE = ('2 * max by (cluster, node) (poplar_node_state{@nodes, state="down"})'
         ' + max by (cluster, node) (poplar_node_state{@nodes, state="ejected"})')
ADMIN_STATES = words(up=(0, GREEN), drain=(1, YELLOW), down=(2, ORANGE), drain_and_down=(3, ORANGE))
ADMIN_STATE = ('2 * max by (cluster, node) (poplar_node_admin_state{@nodes, state="down"})'
               ' + max by (cluster, node) (poplar_node_admin_state{@nodes, state="drain"})')
PANICS = tile("Panics", "Clusters of which so much is out that health is not believed.", "short",
              ("sum (max by (cluster) (poplar_cluster_panic{@nodes}))", "clusters"), thresholds=limits((1, RED)))
CERTIFICATES = tile("Next certificate to expire", "How long until then.", "s",
                    ("min (poplar_certificate_not_after_timestamp_seconds{@own}) - time()", "left"),
                    thresholds=limits((3 * 86400, ORANGE), (14 * 86400, GREEN), base=RED))


def _tall(*tiles):
    """As high as the table beside them."""
    return [{**each, "gridPos": {**each["gridPos"], "h": 8}} for each in tiles]


def _at_a_glance():
    return [
        tile("Poplars", "Poplars that answer Prometheus.", "short", ("sum (up{@own})", "up"),
             thresholds=limits((1, GREEN), base=RED)),
        tile("Logins answered", "Share of the logins that didn't fail for reasons of ours. Wrong passwords, guessers "
             "who wait and clients who leave don't count. The objective is 99.9 %.", "percentunit",
             (f"1 - {FAILED_SHARE}", "answered"), decimals=2,
             thresholds=limits((0.99, ORANGE), (0.999, GREEN), base=RED)),
        tile("Login, p99", "99 % of the good logins are faster. The objective is 1 s.", "s",
             *quantiles("poplar_login_duration_seconds", GOOD_LOGINS, shares=(0.99,)),
             thresholds=limits((0.5, ORANGE), (1, RED))),
        tile("Logins a second", "Attempts with complete credentials.", "cps",
             ("sum (rate(poplar_logins_total{@own}[@rate]))", "logins")),
        tile("Sessions alive", "Connections of clients, logged in or not.", "short",
             ("sum (poplar_sessions_active{@own})", "sessions")),
        tile("Nodes in service", "Nodes that one Poplar at least sends new users to; and all of them.", "short",
             ("sum (max by (cluster, node) (poplar_node_in_service{@nodes}))", "in service"),
             ("count (max by (cluster, node) (poplar_node_in_service{@nodes}))", "all")),
        tile("Logins in queues", "Logins that wait for a slot of their node.", "short",
             ("sum (poplar_pool_waiting{@nodes})", "waiting"), thresholds=limits((1, ORANGE))),
        CERTIFICATES,
    ]


def _logins():
    burn = [(f'job:{name}_rate{window}{{job=~"$job"}} / {budget}', f"{what}, {window}, {{{{job}}}}")
            for name, budget, what in (("poplar_logins:error_ratio", 0.001, "failed"),
                                       ("poplar_login_duration_seconds:slow_ratio", 0.01, "slow"))
            for window in ("1h", "6h", "3d")]
    return [
        graph("Logins by result", "rejected: the node refused the password. backend_unavailable: no node could be "
              "reached. backend_error: a node answered, but not as it should. throttled: turned away as a guesser.",
              "cps", ("sum by (result) (rate(poplar_logins_total{@own}[@rate]))", "{{result}}"), stack=True),
        graph("Logins by mechanism", "How clients say who they are, and where they come in; good or not.", "cps",
              ("sum by (listener, mechanism) (rate(poplar_logins_total{@own}[@rate])) > 0",
               "{{listener}}: {{mechanism}}"), stack=True),
        graph("Failed logins", "Share of the logins that failed for reasons of ours; the objective is 0.1 %.",
              "percentunit", (FAILED_SHARE, "failed")),
        graph("Burning of the error budget", "How many times as fast as the objectives allow; 14.4 over an hour wakes "
              "somebody. Needs poplar.rules.yaml in Prometheus.", "none", *burn),
        graph("Duration of good logins", "From complete credentials to +OK, without what wrong passwords cost.", "s",
              *quantiles("poplar_login_duration_seconds", GOOD_LOGINS), log=True),
        heatmap("Good logins by duration", "How many took how long.", "s",
                "sum by (le) (increase(poplar_login_duration_seconds_bucket{@own, result=\"ok\"}[@rate]))"),
        graph("Stages of a login", "99 % are faster. lookup: where the user is. connect, tls, greeting: a new "
              "connection to the node. auth: the node's answer to the password.", "s",
              *quantiles("poplar_login_stage_duration_seconds", by="stage", shares=(0.99,)), log=True),
        graph("Mean duration by result", "Of those results that there were.", "s",
              ("sum by (result) (rate(poplar_login_duration_seconds_sum{@own}[@rate]))"
               " / (sum by (result) (rate(poplar_login_duration_seconds_count{@own}[@rate])) > 0)", "{{result}}")),
        graph("Logins tried again", "Within their own deadline. in_use: the node had the mailbox locked. unreachable: "
              "no connection. hold_down: the user's node is out, but not for long enough to move. user_limit: too many "
              "sessions. answer_lost: the node died over it. elsewhere: another Poplar has the user on a node that can't be "
              "had just now.", "cps",
              ("sum by (reason) (rate(poplar_login_retries_total{@own}[@rate]))", "{{reason}}")),
        table("Alerts", "Of all Poplars that this Prometheus knows.",
              ("How many", 'count by (alertname, alertstate, severity) (ALERTS{alertname=~"Poplar.+"})', "short")),
    ]


def _sessions():
    return [
        graph("Sessions", "Connections of clients, by the listener that they came to.", "short",
              ("sum by (listener) (poplar_sessions_active{@own})", "{{listener}}"), stack=True),
        graph("New connections", "Accepted, by listener; those closed at once are in the abuse dashboard.", "cps",
              ("sum by (listener) (rate(poplar_connections_total{@own}[@rate]))", "{{listener}}"), stack=True),
        graph("How sessions end", "quit is the good end; client_eof and client_reset are clients that leave without a "
              "word.",
              "cps", ("sum by (side, reason) (rate(poplar_sessions_ended_total{@own}[@rate])) > 0",
                      "{{side}}: {{reason}}"),
              stack=True),
        graph("Duration of sessions", "From accept to close.", "s", *quantiles("poplar_session_duration_seconds"),
              log=True),
        graph("Lost sessions", "Sessions that lost their node after the login: resumed elsewhere, or why not.", "cps",
              ("sum by (result) (rate(poplar_resumes_total{@own}[@rate]))", "{{result}}"), stack=True),
        graph("How long resumed sessions stood still", "From the loss of the node until the session went on.", "s",
              *quantiles("poplar_resume_seconds", shares=(0.5, 0.99)), log=True),
    ]


def _mail():
    return [
        graph("Bytes", "POP3 inside TLS, towards clients (downstream) and nodes (upstream); counted when a session "
              "ends.", "Bps",
              ("sum by (side, direction) (rate(poplar_bytes_total{@own}[@rate]))", "{{side}} {{direction}}")),
        graph("Messages", "Sent to clients completely; deleted by a QUIT that the node confirmed. Counted when a "
              "session ends.", "cps",
              ("sum (rate(poplar_messages_retrieved_total{@own}[@rate]))", "retrieved"),
              ("sum (rate(poplar_deletes_committed_total{@own}[@rate]))", "deleted")),
        graph("Commands", "After login, those that a node answered; the QUIT of a parked session is none.", "cps",
              ("sum by (command) (rate(poplar_commands_total{@own}[@rate])) > 0", "{{command}}"), stack=True),
        graph("Commands refused", "Share of the answers that are -ERR, of those commands that there were.",
              "percentunit",
              ('sum by (command) (rate(poplar_commands_total{@own, result="err"}[@rate]))'
               " / (sum by (command) (rate(poplar_commands_total{@own}[@rate])) > 0)", "{{command}}")),
        graph("Duration of commands", "99 % are faster: from a complete command to the last byte of its answer, so "
              "that retr and top depend on the size of the mail and the client's line. status: STAT, NOOP and such; "
              "change: DELE, RSET.", "s",
              *quantiles("poplar_command_duration_seconds", by="class", shares=(0.99,)), log=True),
        graph("Time to the first byte", "99 % are faster: from a complete command until the node begins to answer. What "
              "the duration has beyond it is the mail's size and the client's line.", "s",
              *quantiles("poplar_command_first_byte_seconds", by="class", shares=(0.99,)), log=True),
        graph("Downloads", "From RETR to the last byte of a message, by its size: half and 99 % are faster.", "s",
              *quantiles("poplar_message_download_seconds", by="size", shares=(0.5, 0.99)), log=True),
        graph("Sessions held back", "Because they had sent their commands, or got their bytes, for now: command_rate "
              "and byte_rate.", "cps",
              ("sum by (what) (rate(poplar_pace_waits_total{@own}[@rate]))", "{{what}}")),
    ]


def _settings_and_traces():
    return [
        graph("Mail clients that ask for their settings", "Over HTTP, by what they ask for and what came of it. What "
              "isn't configured has no lines.", "cps",
              ("sum by (form, result) (rate(poplar_autoconfig_requests_total{@own}[@rate])) > 0",
               "{{form}}: {{result}}"), stack=True),
        graph("Traces", "That are on: transcripts of what sessions say, by Poplar.", "short",
              ("sum by (instance) (poplar_traces{@own})", "{{instance}}")),
        graph("Lines missing from traces", "Because too many were waiting to be written: what is traced says more than "
              "the disk takes.", "cps",
              ("sum by (instance) (rate(poplar_trace_lines_dropped_total{@own}[@rate]))", "{{instance}}")),
    ]


def _process():
    return [
        graph("CPU", "Processors' time, by Poplar; each worker can use one.", "none",
              ("rate(process_cpu_seconds_total{@own}[@rate])", "{{instance}}")),
        graph("Workers' time", "Share of its time that a worker is busy, on average; at 1 clients wait for each other.",
              "percentunit", ("sum by (instance) (rate(poplar_worker_turn_seconds_sum{@own}[@rate]))"
                              " / sum by (instance) (poplar_workers{@own})", "{{instance}}"), most=1),
        graph("Workers' turns", "99 % are shorter. Whatever becomes ready during a turn waits for its end.", "s",
              *quantiles("poplar_worker_turn_seconds", by="instance", shares=(0.5, 0.99)), log=True),
        graph("Memory", "Resident.", "bytes", ("process_resident_memory_bytes{@own}", "{{instance}}")),
        graph("File descriptors", "Share of those that the process may have; a session takes two.", "percentunit",
              ("process_open_fds{@own} / process_max_fds{@own}", "{{instance}}"), most=1),
        graph("Buffers", "I/O buffers in use; and how often a second one was missing.", "short",
              ("sum by (instance) (poplar_buffers_in_use{@own})", "{{instance}} in use"),
              ("sum by (instance) (rate(poplar_buffer_waits_total{@own}[@rate]))", "{{instance}} waits a second")),
        graph("Trouble with the kernel", "Failed accepts; completion queues that overflowed; user maps that were "
              "refused.",
              "cps", ("sum (rate(poplar_accept_errors_total{@own}[@rate]))", "accept errors"),
              ("sum (rate(poplar_uring_cq_overflows_total{@own}[@rate]))", "queue overflows"),
              ('sum (rate(poplar_user_map_loads_total{@own, result="refused"}[@rate]))', "maps refused")),
        table("Versions", "What runs where.", ("Up", "sum by (instance, version, compiler, boringssl, liburing) "
                                               "(poplar_build_info{@own})", "short"), width=16),
    ]


def overview():
    return dashboard("poplar-overview", "Overview", "Whether users get their mail, and how fast: rate, errors and "
                     "durations of logins, sessions and commands; what the processes use.",
                     [("At a glance", _at_a_glance()), ("Logins", _logins()), ("Clients' sessions", _sessions()),
                      ("Mail", _mail()), ("Settings and traces", _settings_and_traces()), ("Processes", _process())])


def nodes():
    probes = "poplar_node_probe_duration_seconds"
    now = [*_tall(
        tile("Usable nodes", "Share of the nodes that are up and not taken out by their operator, as the Poplar that "
             "sees most finds them.", "percentunit",
             ('avg (max by (cluster, node) (poplar_node_state{@nodes, state="up"}'
              ' * poplar_node_admin_state{@nodes, state="up"}))', "usable"),
             thresholds=limits((0.7, ORANGE), (1, GREEN), base=RED)),
        PANICS,
        tile("Sessions on nodes", "Logged in.", "short", ("sum (poplar_node_sessions_active{@nodes})", "sessions")),
        tile("Failovers", "Logins that moved on because their node failed.", "cps",
             ("sum (rate(poplar_failovers_total{@nodes}[@rate]))", "failovers"))),
        table("Nodes", "As all Poplars together find them: of several opinions the worst.",
              ("State", STATE, "none", {"mappings": STATES, **COLOURED}),
              ("Operator's word", ADMIN_STATE, "none", {"mappings": ADMIN_STATES, **COLOURED}),
              ("Sessions", "sum by (cluster, node) (poplar_node_sessions_active{@nodes})", "short"),
              ("Slots in use", 'sum by (cluster, node) (poplar_pool_connections{@nodes, kind="in_use"})', "short"),
              ("Slots", "sum by (cluster, node) (poplar_pool_slots{@nodes})", "short"),
              ("Waiting", "sum by (cluster, node) (poplar_pool_waiting{@nodes})", "short"), width=12, height=8),
    ]
    states = [
        timeline("State of nodes", "Of several Poplars' opinions the worst.", STATE, STATES),
        timeline("Operator's word", "What operators want of nodes.", ADMIN_STATE, ADMIN_STATES),
        timeline("Who sees which node", "Each Poplar's opinion.",
                 'sum by (instance, cluster, node) (poplar_node_state{@nodes, state="up"})',
                 words(out=(0, RED), up=(1, GREEN)), "{{instance}}: {{cluster}}/{{node}}"),
        graph("Changes of state", "By cause.", "cps",
              ("sum by (cluster, node, cause) (rate(poplar_node_transitions_total{@nodes}[@rate])) > 0",
               "{{cluster}}/{{node}}: {{cause}}"), width=12),
    ]
    probing = [
        graph("Probes that fail", "Share of a node's probes.", "percentunit",
              ('sum by (cluster, node) (rate(poplar_node_probes_total{@nodes, result="error"}[@rate]))'
               " / sum by (cluster, node) (rate(poplar_node_probes_total{@nodes}[@rate]))", "{{cluster}}/{{node}}"),
               most=1),
        graph("Duration of probes", "Of all nodes.", "s", *quantiles(probes, by="result", shares=(0.5, 0.99)),
              log=True),
        graph("Failed connections", "Before credentials were sent, by reason.", "cps",
              ("sum by (cluster, node, reason) (rate(poplar_node_connect_failures_total{@nodes}[@rate])) > 0",
               "{{cluster}}/{{node}}: {{reason}}")),
    ]
    load = [
        graph("Sessions by node", "Logged in.", "short",
              ("sum by (cluster, node) (poplar_node_sessions_active{@nodes})", "{{cluster}}/{{node}}"), stack=True),
        graph("Logins by node", "Logins that got a connection there, parked ones included.", "cps",
              ("sum by (cluster, node) (rate(poplar_pool_takes_total{@nodes}[@rate]))", "{{cluster}}/{{node}}"),
              stack=True),
        graph("Failovers by node", "Logins that moved on to another node because this one failed.", "cps",
              ("sum by (cluster, node) (rate(poplar_failovers_total{@nodes}[@rate]))", "{{cluster}}/{{node}}")),
        graph("Answers to logins", "Mean time of a node's answer to good credentials.", "s",
              ("sum by (cluster, node) (rate(poplar_node_login_seconds_sum{@nodes}[@rate]))"
               " / (sum by (cluster, node) (rate(poplar_node_login_seconds_count{@nodes}[@rate])) > 0)",
               "{{cluster}}/{{node}}"), width=12),
        graph("Answers to commands", "Mean time of a node until it begins to answer.", "s",
              ("sum by (cluster, node) (rate(poplar_node_first_byte_seconds_sum{@nodes}[@rate]))"
               " / (sum by (cluster, node) (rate(poplar_node_first_byte_seconds_count{@nodes}[@rate])) > 0)",
               "{{cluster}}/{{node}}"), width=12),
    ]
    return dashboard("poplar-nodes", "Nodes", "Which mail nodes serve, what Poplar knows of them, and how users are "
                     "spread.",
                     [("Now", now), ("States", states), ("Probes and connections", probing), ("Load", load)])


def pools():
    takes = "poplar_pool_takes_total"
    slots = [
        graph("Slots", "Share of a node's slots that sessions use, at the fullest Poplar. Nodes without a limit aren't "
              "here.",
              "percentunit", ('max by (cluster, node) (poplar_pool_connections{@nodes, kind="in_use"}'
                              " / ignoring (kind) (poplar_pool_slots{@nodes} > 0))", "{{cluster}}/{{node}}"), most=1),
        graph("Connections to nodes", "What slots are taken for. Warm: greeted, for anybody. Parked: logged in, for "
              "their user's next session.", "short",
              ("sum by (kind) (poplar_pool_connections{@nodes})", "{{kind}}"), stack=True),
        graph("Connections by node", "All of them.", "short",
              ("sum by (cluster, node) (poplar_pool_connections{@nodes})", "{{cluster}}/{{node}}"), stack=True),
        graph("Logins in the queue", "They wait for a slot of their node.", "short",
              ("sum by (cluster, node) (poplar_pool_waiting{@nodes})", "{{cluster}}/{{node}}"), stack=True),
        graph("Time in the queue", "Of those that got a slot in the end.", "s",
              *quantiles("poplar_pool_wait_seconds", 'result="granted"', shares=(0.5, 0.99)), log=True),
        graph("What became of waiters", "granted: a slot. timeout: pool.wait_timeout was over. client_left: the client "
              "was more impatient. drained, node_out: the node went.", "cps",
              ("sum by (result) (rate(poplar_pool_wait_seconds_count{@own}[@rate]))", "{{result}}"), stack=True),
    ]
    reuse = [
        tile("Logins without a login at the node", "Share of the logins that a parked session served.", "percentunit",
             (f'sum (rate({takes}{{@nodes, source="parked"}}[@rate])) / sum (rate({takes}{{@nodes}}[@rate]))',
              "parked"),
             width=4, height=8),
        tile("Logins on warm connections", "Share of those that needed a login at the node.", "percentunit",
             (f'sum (rate({takes}{{@nodes, source="warm"}}[@rate]))'
              f' / sum (rate({takes}{{@nodes, source!="parked"}}[@rate]))', "warm"), width=4, height=8),
        graph("Where logins get their connection", "parked: the same user's last session. warm: connected and greeted "
              "beforehand. new: connected for it.", "cps",
              (f"sum by (source) (rate({takes}{{@nodes}}[@rate]))", "{{source}}"), stack=True, width=6),
        graph("Warm connections opened", "And attempts that failed.", "cps",
              ("sum by (result) (rate(poplar_pool_warm_opened_total{@nodes}[@rate]))", "{{result}}"), width=5),
        graph("Time to open warm connections", "Connect, TLS and greeting, before anybody asks for one: half and 99 % "
              "are faster.", "s", *quantiles("poplar_pool_warm_open_seconds", by="result", shares=(0.5, 0.99)),
              log=True, width=5),
    ]
    parking = [
        graph("Sessions that were parked, or why not", "off: by configuration. deletes: only the node may confirm "
              "them. refused: the pool had no room.", "cps",
              ("sum by (result) (rate(poplar_pool_parks_total{@nodes}[@rate]))", "{{result}}"), stack=True),
        graph("What became of parked sessions", "reused is what they are for; expired is what it costs.", "cps",
              ("sum by (outcome) (rate(poplar_pool_parked_outcomes_total{@nodes}[@rate]))", "{{outcome}}"), stack=True),
        graph("Age of what reused sessions show", "New mail that is younger was not shown: bounded by "
              "pool.max_snapshot_age.",
              "s", *quantiles("poplar_pool_snapshot_age_seconds", shares=(0.5, 0.99))),
    ]
    return dashboard("poplar-pools", "Pools", "Connections to nodes: slots and their queues, warm and parked "
                     "connections, and what they "
                     "save.", [("Slots and queues", slots), ("Reuse", reuse), ("Parking", parking)])


def tls():
    shakes = "poplar_tls_handshakes_total"
    ended = "not_tls|unexpected_tls|tls_handshake_failed|tls_handshake_timeout|client_protocol"
    now = [*_tall(
        CERTIFICATES,
        tile("Failed handshakes", "Share of all.", "percentunit",
             (f'sum (rate({shakes}{{@own, result!="ok"}}[@rate])) / sum (rate({shakes}{{@own}}[@rate]))', "failed"),
             thresholds=limits((0.1, ORANGE), (0.3, RED))),
        tile("Resumed handshakes", "Share of the good ones: each spares a signature.", "percentunit",
             (f'sum (rate({shakes}{{@own, result="ok", resumed="yes"}}[@rate]))'
              f' / sum (rate({shakes}{{@own, result="ok"}}[@rate]))', "resumed")),
        tile("TLS 1.3", "Share of the good handshakes.", "percentunit",
             (f'sum (rate({shakes}{{@own, result="ok", version="1.3"}}[@rate]))'
              f' / sum (rate({shakes}{{@own, result="ok"}}[@rate]))', "TLS 1.3"))),
        table("Certificates", "As Poplar shows them to clients.",
              ("Expires", "min by (certificate) (poplar_certificate_not_after_timestamp_seconds{@own}) * 1000",
               "dateTimeAsIso"),
              ("Left", "min by (certificate) (poplar_certificate_not_after_timestamp_seconds{@own}) - time()", "s",
               {"thresholds": limits((3 * 86400, ORANGE), (14 * 86400, GREEN), base=RED), **COLOURED}), width=12),
    ]
    clients = [
        graph("Handshakes by result", "With clients.", "cps",
              (f"sum by (result) (rate({shakes}{{@own}}[@rate]))", "{{result}}"), stack=True),
        graph("Handshakes by version", "Those that succeeded.", "cps",
              (f'sum by (version, resumed) (rate({shakes}{{@own, result="ok", version!="none"}}[@rate]))',
               "{{version}}, resumed: {{resumed}}"), stack=True),
        graph("Failed handshakes by reason", "alpn_mismatch: a client of another protocol. certificate_rejected: the "
              "client doesn't trust us. Those that took too long aren't here.", "cps",
              ("sum by (reason) (rate(poplar_tls_handshake_failures_total{@own}[@rate])) > 0", "{{reason}}"),
              stack=True),
        graph("Sessions that ended around TLS", "not_tls: plain POP3 where TLS was due.", "cps",
              (f'sum by (reason) (rate(poplar_sessions_ended_total{{@own, reason=~"{ended}"}}[@rate]))', "{{reason}}"),
              stack=True),
        graph("Duration of full handshakes", "From accept. It rises first when processors are short.", "s",
              *quantiles("poplar_tls_handshake_duration_seconds", 'resumed="no"'), log=True),
        graph("Duration of resumed handshakes", "From accept.", "s",
              *quantiles("poplar_tls_handshake_duration_seconds", 'resumed="yes"'), log=True),
        heatmap("Handshakes by duration", "Full and resumed ones.", "s",
                "sum by (le) (increase(poplar_tls_handshake_duration_seconds_bucket{@own}[@rate]))", width=24),
    ]
    upstream = [
        graph("Duration of handshakes with nodes", "Part of a login on a new connection.", "s",
              *quantiles("poplar_login_stage_duration_seconds", 'stage="tls"'), log=True, width=12),
        graph("Failed handshakes with nodes", "Before credentials were sent.", "cps",
              ('sum by (cluster, node) (rate(poplar_node_connect_failures_total{@nodes, reason="tls"}[@rate]))',
               "{{cluster}}/{{node}}"), width=12),
    ]
    return dashboard("poplar-tls", "TLS", "Certificates, handshakes with clients and with nodes.",
                     [("Now", now), ("Clients", clients), ("Nodes", upstream)])


def abuse():
    refused = 'poplar_logins_total{@own, result="rejected"}'
    ends = ("too_many_failed_logins|too_many_guesses|not_admitted|crowded_out|too_many_bad_commands|login_timeout"
            "|proxy_header|loop|not_tls|tls_handshake_failed")
    now = [
        tile("Wrong passwords", "Logins that nodes refused.", "cps", (f"sum (rate({refused}[@rate]))", "rejected"),
             width=6),
        tile("Share of wrong passwords", "Of all logins that a node was asked about.", "percentunit",
             (f'sum (rate({refused}[@rate])) / sum (rate(poplar_logins_total{{@own, result=~"ok|rejected"}}[@rate]))',
              "rejected"), width=6),
        tile("Turned away", "Logins, because too many of their address waited already.", "cps",
             ('sum (rate(poplar_logins_total{@own, result="throttled"}[@rate]))', "throttled"), width=6),
        tile("Not logged in", "Connections without a login, or about to have one.", "short",
             ("sum (poplar_sessions_active{@own}) - sum (poplar_node_sessions_active{@own})", "sessions"), width=6),
    ]
    passwords = [
        graph("Logins that nodes refused", "Beside the good ones.", "cps", (f"sum (rate({refused}[@rate]))",
                                                                            "rejected"),
              ('sum (rate(poplar_logins_total{@own, result="ok"}[@rate]))', "ok")),
        graph("Logins made to wait", "For wrong passwords that their address had sent before; and those turned away.",
              "cps",
              ("sum (rate(poplar_login_delay_seconds_count{@own}[@rate]))", "made to wait"),
              ('sum (rate(poplar_logins_total{@own, result="throttled"}[@rate]))', "turned away"),
              ('sum (rate(poplar_logins_total{@own, result="abandoned"}[@rate]))', "gave up waiting")),
        graph("How long logins were made to wait", "They double with each wrong password.", "s",
              *quantiles("poplar_login_delay_seconds")),
    ]
    guests = [
        graph("Connections refused", "Closed at once, by reason.", "cps",
              ("sum by (reason) (rate(poplar_connections_rejected_total{@own}[@rate]))", "{{reason}}"), stack=True),
        graph("Connections refused by listener", "Closed at once.", "cps",
              ("sum by (listener) (rate(poplar_connections_rejected_total{@own}[@rate]))", "{{listener}}"), stack=True),
        graph("Ends of unwelcome sessions", "crowded_out: the oldest without a login made room for a new one.", "cps",
              (f'sum by (reason) (rate(poplar_sessions_ended_total{{@own, reason=~"{ends}"}}[@rate]))', "{{reason}}"),
              stack=True),
        graph("Sessions not logged in", "By Poplar.", "short",
              ("sum by (instance) (poplar_sessions_active{@own}) - sum by (instance) "
               "(poplar_node_sessions_active{@own})",
               "{{instance}}"), width=24),
    ]
    return dashboard("poplar-abuse", "Abuse", "Guessed passwords, floods and other unwelcome guests, without naming "
                     "anybody: who they are is in the log.",
                     [("Now", now), ("Passwords", passwords), ("Guests", guests)], has_clusters=False)


def places():
    directories = [
        graph("Questions to directories", "Logins that asked where their user is, by what they were told.", "cps",
              ("sum by (directory, result) (rate(poplar_directory_lookups_total{@own}[@rate])) > 0",
               "{{directory}}: {{result}}"), stack=True),
        graph("Where the answers came from", "asked: the directory. kept: what it had answered lately. stale: likewise, "
              "since it can't be reached. merged: another login's question of the same user.", "cps",
              ("sum by (directory, source) (rate(poplar_directory_answers_total{@own}[@rate])) > 0",
               "{{directory}}: {{source}}"), stack=True),
        graph("Duration of questions", "As a login feels it: half and 99 % are faster.", "s",
              *quantiles("poplar_directory_lookup_seconds", by="directory", shares=(0.5, 0.99)), log=True),
    ]
    maps = [
        graph("Users in user maps", "As they are in force.", "short",
              ("max by (file) (poplar_user_map_users{@own})", "{{file}}"), width=12),
        graph("User maps read", "A refused one leaves the one before in force.", "cps",
              ("sum by (file, result) (rate(poplar_user_map_loads_total{@own}[@rate]))", "{{file}}: {{result}}"),
              width=12),
    ]
    discovery = [
        graph("Nodes by discovery", "known: by the last good answer. leaving: no longer known, but with sessions yet. "
              "unseated: beyond max_nodes. Of several Poplars the one that knows most.", "short",
              ("max by (cluster) (poplar_discovery_nodes{@own})", "{{cluster}}: known"),
              ("max by (cluster) (poplar_discovery_nodes_leaving{@own})", "{{cluster}}: leaving"),
              ("max by (cluster) (poplar_discovery_nodes_unseated{@own})", "{{cluster}}: unseated")),
        graph("Questions for nodes", "Only ok can change anything.", "cps",
              ("sum by (cluster, result) (rate(poplar_discovery_lookups_total{@own}[@rate]))",
               "{{cluster}}: {{result}}"), stack=True),
        graph("Age of what is known of nodes", "Since the last good answer, at the Poplar for which it is oldest.", "s",
              ("time() - min by (cluster) (poplar_discovery_last_answer_timestamp_seconds{@own} > 0)",
               "{{cluster}}")),
    ]
    moves = [
        graph("Users moved", "Share of a move's users that are in the new cluster; of several Poplars the least and the "
              "most, which should agree.", "percentunit",
              ("min by (move) (poplar_move_permille{@own}) / 1000", "{{move}}: least"),
              ("max by (move) (poplar_move_permille{@own}) / 1000", "{{move}}: most"), most=1),
        graph("Logins of moved users", "landed: in the new cluster. waited_too_long: for the user's other sessions to "
              "end.", "cps",
              ("sum by (move, result) (rate(poplar_move_logins_total{@own}[@rate]))", "{{move}}: {{result}}")),
        graph("Moves that wait", "Sessions that must end, and logins that wait for that.", "short",
              ("sum by (move) (poplar_move_sessions_ending{@own})", "{{move}}: sessions"),
              ("sum by (move) (poplar_move_logins_waiting{@own})", "{{move}}: logins")),
    ]
    return dashboard("poplar-places", "Places", "How Poplar learns where users are: directories, user maps, discovery of "
                     "nodes, and users on their way to another cluster. What isn't configured has no lines.",
                     [("Directories", directories), ("User maps", maps), ("Discovery", discovery), ("Moves", moves)],
                     has_clusters=False)


def dashboards():
    return [overview(), nodes(), pools(), tls(), abuse(), places()]
