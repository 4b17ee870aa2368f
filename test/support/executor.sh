#!/bin/sh
# An executor of nothing but a shell and nc, for images that have no more: it finishes task t1.
host=${MESOS_AGENT_ENDPOINT%:*} port=${MESOS_AGENT_ENDPOINT#*:}
ids='"framework_id":{"value":"'$MESOS_FRAMEWORK_ID'"},"executor_id":{"value":"'$MESOS_EXECUTOR_ID'"}'

# A call over a connection of its own, which stays open for so many seconds.
post() {
  {
    printf 'POST /slave(1)/api/v1/executor HTTP/1.1\r\nHost: %s\r\n' "$MESOS_AGENT_ENDPOINT"
    printf 'Content-Type: application/json\r\nAccept: application/json\r\n'
    printf 'Authorization: Bearer %s\r\n' "$MESOS_EXECUTOR_AUTHENTICATION_TOKEN"
    printf 'Content-Length: %s\r\n\r\n%s' ${#1} "$1"
    sleep "$2"
  } | nc "$host" "$port"
}

events=$MESOS_SANDBOX/events
post '{"type":"SUBSCRIBE",'"$ids"',"subscribe":{}}' 60 >"$events" &
until grep -q '"LAUNCH"' "$events"; do sleep 0.05; done
status='{"task_id":{"value":"t1"},"state":"TASK_FINISHED","source":"SOURCE_EXECUTOR"'
status=$status',"uuid":"AAAAAAAAAAAAAAAAAAAAAA=="}'
post '{"type":"UPDATE",'"$ids"',"update":{"status":'"$status"'}}' 1
sleep 60
