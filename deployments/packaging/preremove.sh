#!/bin/sh
# Before the removal, not before an upgrade: deb calls it with "remove", rpm with 0.
set -e
case "$1" in
remove | 0)
  if [ -d /run/systemd/system ]; then systemctl disable --now hookline.service; fi
  ;;
esac
