#!/bin/sh
# Plays a program that answers in a model's place. PLAY says how; GATE is a pipe that it waits at.
# The lines are those of Claude Code 2.1, without the fields that nobody reads.

delta() {
    printf '{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%s"}},"parent_tool_use_id":null}\n' "$1"
}
result() {
    printf '{"type":"result","subtype":"success","is_error":false,"result":"%s","stop_reason":"end_turn","usage":{"input_tokens":10,"cache_creation_input_tokens":2,"cache_read_input_tokens":3,"output_tokens":5},"modelUsage":{"claude-opus-4-8":{}}}\n' "$1"
}
start() {
    echo '{"type":"system","subtype":"init","tools":[],"model":"claude-opus-4-8"}'
    echo '{"type":"stream_event","event":{"type":"message_start","message":{"id":"m1","type":"message","role":"assistant","model":"claude-opus-4-8","content":[],"stop_reason":null,"usage":{"input_tokens":10,"output_tokens":1}}},"parent_tool_use_id":null}'
    echo '{"type":"stream_event","event":{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}},"parent_tool_use_id":null}'
}
wait_at_the_gate() {
    read -r _ <"$GATE"
}

case "$PLAY" in
claude)
    start; delta 'Hello '; delta 'world'; result 'Hello world'
    ;;
json)
    result 'Hello world'
    ;;
gate)
    start; delta 'first'; wait_at_the_gate; delta ' second'; result 'first second'
    ;;
stays)
    start; delta 'said'; result 'said'; wait_at_the_gate
    ;;
silent)
    wait_at_the_gate
    ;;
chatters)
    while :; do echo '{"type":"system","subtype":"status"}'; done
    ;;
echo)
    cat
    ;;
environment)
    env | sort
    ;;
arguments)
    for argument in "$@"; do printf '[%s]\n' "$argument"; done
    ;;
folder)
    pwd; ls -a; stat -c %a ..; cat ../instructions.md
    ;;
descriptors)
    ls /proc/self/fd
    ;;
limits)
    wait_at_the_gate; cat /proc/self/limits /proc/self/oom_score_adj
    ;;
fails)
    echo 'a warning' >&2; echo "cannot: $ANTHROPIC_API_KEY is wrong" >&2; exit 3
    ;;
dies)
    kill -9 $$
    ;;
garbage)
    echo 'Welcome! There is a new version.'; echo '{"type":"unheard of"}'; head -c 1000 /dev/urandom
    ;;
flood)
    head -c 100000000 /dev/zero
    ;;
lines)
    yes "$(head -c 4000 /dev/zero | tr '\0' x)"
    ;;
complains)
    head -c 100000000 /dev/zero >&2; start; delta 'still here'; result 'still here'
    ;;
memory)
    # In a process of its own, as programs do it.
    sh -c 'held=$(head -c 30000000 /dev/zero | tr "\\0" x); echo full; read -r _ <"$GATE"; : "$held"' &
    wait
    ;;
family)
    # A member of the group, one that left it, and one that will not be asked.
    sleep 1000 &
    echo $!
    setsid sleep 1000 &
    echo $!
    sh -c 'trap "" TERM; echo $$; read -r _ <"$GATE"' &
    wait
    ;;
stubborn)
    trap '' TERM; echo $$; while :; do wait_at_the_gate; done
    ;;
polite)
    trap 'echo asked >"$MARK"; exit 0' TERM; echo ready; sleep 1000 & wait
    ;;
leaves)
    # A process that goes on, with the pipes, after the program has ended.
    sleep 1000 &
    echo $!
    ;;
refused)
    echo '{"type":"assistant","message":{"model":"<synthetic>","role":"assistant","content":[{"type":"text","text":"API Error: planned"}]},"parent_tool_use_id":null,"error":"server_error"}'
    printf '{"type":"result","subtype":"success","is_error":true,"api_error_status":%s,"result":"API Error: planned"}\n' "$STATUS"
    exit 1
    ;;
*)
    echo "no play named $PLAY" >&2; exit 2
    ;;
esac
