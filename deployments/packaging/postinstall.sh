#!/bin/sh
# After the installation: deb calls it with "configure" and the version before, rpm with the number of versions now installed.
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl try-restart hookline.service # only where it runs
fi
if { [ "$1" = configure ] && [ -z "$2" ]; } || [ "$1" = 1 ]; then
  echo "hookline: 'systemctl enable --now hookline' starts the service; /etc/hookline/hookline.env says how to configure it."
fi
