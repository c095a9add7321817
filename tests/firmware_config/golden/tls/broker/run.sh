#!/bin/sh
# Starts the broker of site golden from this folder, and starts it again within seconds when its certificates,
# its revocation list, its access rules or its configuration change: Mosquitto itself reads a list only at its start.
# It ends with the broker, so that systemd or compose can start both again. Stop it with Ctrl-C or kill.
set -u
cd "$(dirname "$0")" || exit 1
umask 077
PATH=$PATH:/usr/sbin:/usr/local/sbin
command -v mosquitto >/dev/null || { echo "run.sh: Mosquitto is not installed; sudo apt-get install mosquitto" >&2; exit 2; }
# Each connection is an open file.
ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -H -n)"
mkdir -p data
[ -e passwords ] || : > passwords

content() { cat mosquitto.conf acl passwords ca.crt crl.pem broker.crt broker.key bridge/*.conf bridge/*.crt bridge/*.key 2>/dev/null | cksum; }

stopping=
trap 'stopping=yes' INT TERM HUP
while [ -z "$stopping" ]; do
    before=$(content)
    # Root would hand the broker to a user who may not read this folder.
    { cat mosquitto.conf; [ "$(id -u)" != 0 ] || echo "user root"; } > data/running.conf
    mosquitto -c data/running.conf &
    broker=$!
    while [ -z "$stopping" ] && kill -0 "$broker" 2>/dev/null && [ "$(content)" = "$before" ]; do sleep 1; done
    if ! kill "$broker" 2>/dev/null; then
        [ -n "$stopping" ] && exit 0
        wait "$broker"
        exit
    fi
    [ -n "$stopping" ] || echo "run.sh: files of the broker have changed, starting it again" >&2
    # Mosquitto forgets a signal that comes while it starts, so it is told again.
    while sleep 1 && kill "$broker" 2>/dev/null; do :; done
done
exit 0
