#!/usr/bin/env bash
# Makes the passwords of docker-compose.yml: of RabbitMQ, with the address that receiver and workers read, and of Grafana.
# A password of .env comes first, then that of an earlier start, then a new one. $1 and $2 are the folders of RabbitMQ's and
# Grafana's password, $3 is RabbitMQ's data folder.
set -euo pipefail
umask 022 # other users read the files: each folder is a volume of those containers only that need it

fail() {
  echo "$1" >&2
  exit 1
}

# keep FILE PASSWORD stores a password that is given, or else makes one once.
keep() {
  if [ -n "$2" ]; then
    echo "$2" >"$1"
  elif ! [ -s "$1" ]; then
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$1"
  fi
}

user=${RABBITMQ_USER:-hookline}
case "$user${RABBITMQ_PASSWORD:-}" in
*[!A-Za-z0-9]*) fail "RABBITMQ_USER and RABBITMQ_PASSWORD in .env may have letters and digits only: they become part of an amqp:// address" ;;
esac
if [ -z "${RABBITMQ_PASSWORD:-}" ] && ! [ -s "$1/password" ] && [ -e "$3/mnesia" ]; then
  fail "RabbitMQ's volume has a user whose password is unknown here: write it into .env as RABBITMQ_PASSWORD. Before this version the default was: hookline"
fi

keep "$1/password" "${RABBITMQ_PASSWORD:-}"
keep "$2/password" "${GRAFANA_PASSWORD:-}"
password=$(cat "$1/password")
echo "amqp://$user:$password@rabbitmq:5672/" >"$1/url"
printf 'default_user = %s\ndefault_pass = %s\n' "$user" "$password" >"$1/rabbitmq.conf"
echo "The passwords are stored. docker compose exec rabbitmq cat $1/password shows RabbitMQ's, and docker compose exec grafana cat $2/password Grafana's."
