#!/bin/bash
# Installs the release that this file is part of, on Ubuntu 24.04 or Amazon Linux 2023, and tells the
# stack how it went. Safe to repeat. Reads /etc/docproc/environment and /etc/docproc/deployment, which
# the user data of infra/template.yaml writes.
set -euo pipefail

release=$(cd "$(dirname "$0")/../.." && pwd -P)
here=$release/infra/ec2
venv=$release/.venv
state=/var/lib/docproc
imds=${IMDS_URL:-http://169.254.169.254}/latest
instance=

set -a
# shellcheck source=/dev/null
. /etc/docproc/environment
# shellcheck source=/dev/null
. /etc/docproc/deployment
# shellcheck source=/dev/null
if [ -f /etc/docproc/local ]; then . /etc/docproc/local; fi
set +a

step() { printf '%s %s\n' "$(date -u +%FT%TZ)" "$*"; }

signal() {
  if [ -n "$instance" ] && [ -x "$venv/bin/python" ]; then
    (cd "$release" && "$venv/bin/python" -m infra.ec2.instance signal "$DOCPROC_STACK" Group "$instance" "$1")
  fi
}

# However it ends, the stack learns of it and need not wait for the time-out.
trap 'if [ $? -eq 0 ]; then signal SUCCESS; else step "failed"; signal FAILURE; fi' EXIT

packages() {
  step "packages"
  if command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    # At first boot the image's own updates may hold the lock for a while.
    local patient=(-qq -o DPkg::Lock::Timeout=300)
    apt-get "${patient[@]}" update
    apt-get "${patient[@]}" install -y nginx-light python3-venv openssl certbot >/dev/null
    python=python3  # 3.12
  else
    # Its python3 stays 3.9. https://docs.aws.amazon.com/linux/al2023/ug/python.html
    dnf install -y -q nginx python3.12 openssl certbot e2fsprogs
    python=python3.12
  fi
}

accounts() {
  step "accounts"
  getent group docproc >/dev/null || groupadd --system docproc
  id docproc >/dev/null 2>&1 || useradd --system --gid docproc --home-dir $state --shell /usr/sbin/nologin docproc
  id docproc-web >/dev/null 2>&1 || useradd --system --gid docproc --home-dir / --shell /usr/sbin/nologin docproc-web
}

programs() {
  step "programs"
  if [ ! -x "$venv/bin/python" ]; then "$python" -m venv "$venv"; fi
  # The wheels are in the release: no index is asked, and each file must have its locked hash.
  "$venv/bin/python" -m pip install --quiet --no-index --find-links "$release/wheels" --require-hashes \
    -r "$release/requirements.txt"
  # The units may not write here, so what they would write is written now.
  "$venv/bin/python" -m compileall -q "$release/docproc" "$release/api" "$release/invoice_parser" "$release/infra"
  (cd "$release" && "$venv/bin/python" manage.py collectstatic --noinput --verbosity 0)
  ln -sfn "$release" /opt/docproc/current.new
  mv -T /opt/docproc/current.new /opt/docproc/current
}

instance_id() {
  local token
  token=$(curl -fsS --retry 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$imds/api/token")
  instance=$(curl -fsS --retry 5 -H "X-aws-ec2-metadata-token: $token" "$imds/meta-data/instance-id")
}

# The address and the volume come along from the instance that this one replaces.
claims() {
  [ -n "$ADDRESS" ] || return 0
  step "address and volume"
  (cd "$release" && "$venv/bin/python" -m infra.ec2.instance claim "$instance" "$DATA_VOLUME" "$ADDRESS")
  local device
  # A volume's serial number is its id without the hyphen; the kernel chooses the device's name.
  for _ in $(seq 60); do
    device=$(lsblk -dno PATH,SERIAL | awk -v serial="${DATA_VOLUME/-/}" '$2 == serial { print $1 }')
    [ -z "$device" ] || break
    sleep 2
  done
  [ -n "$device" ] || { step "the volume $DATA_VOLUME does not show up"; return 1; }
  blkid "$device" >/dev/null || mkfs.ext4 -q "$device"  # only one that has never been used
  install -d -m 0700 $state
  mountpoint -q $state || mount -o noatime,nodev,nosuid,noexec "$device" $state
  grep -q " $state " /etc/fstab ||
    echo "UUID=$(blkid -s UUID -o value "$device") $state ext4 noatime,nodev,nosuid,noexec,nofail 0 2" >>/etc/fstab
}

settings() {
  step "settings"
  install -d -m 0755 /etc/docproc/tls
  install -d -o docproc -g docproc -m 0700 $state
  {
    echo DOCPROC_SECRET_KEY_FILE=/run/docproc-secrets/secret_key
    if [ -n "$DATABASE_SECRET" ]; then
      echo DOCPROC_DATABASE_URL_FILE=/run/docproc-secrets/database_url
    else
      echo DOCPROC_DATABASE_URL=sqlite:///$state/users.sqlite3
    fi
    # Without a certificate people come through an SSM port forward, and SNS in the clear.
    if [ "$EDGE" = http ]; then echo DOCPROC_HTTPS=false; fi
    if [ "$LEDGER" = mysql ]; then echo DOCPROC_LEDGER_FILE=/run/docproc-secrets/database_url; fi
  } >/etc/docproc/secrets.environment
  if [ -n "$DATABASE_SECRET" ]; then
    # The database's certificate is signed by RDS's own authority, which no distribution carries.
    curl -fsS --retry 5 -o /etc/docproc/tls/rds.pem https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem
  fi
}

web_server() {
  step "web server"
  install -d -m 0755 /etc/nginx/docproc /var/lib/docproc-acme
  install -m 0644 "$here/nginx/machines.conf" "$here/nginx/people.conf" /etc/nginx/docproc/
  install -m 0644 "$here/nginx/edge-$EDGE.conf" /etc/nginx/docproc/edge.conf
  install -m 0644 "$here/nginx/nginx.conf" /etc/nginx/nginx.conf
  if [ ! -e /etc/docproc/tls/certificate.pem ]; then
    # nginx starts with this one; behind the load balancer it is all that is needed.
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=$HOST" \
      -keyout /etc/docproc/tls/key.pem -out /etc/docproc/tls/certificate.pem 2>/dev/null
    chmod 0600 /etc/docproc/tls/key.pem
  fi
  nginx -t -q
  systemctl enable --quiet nginx
  systemctl restart nginx
}

certificate() {
  [ "$EDGE" = https ] || return 0
  step "certificate for $HOST"
  # On the data volume, so that a replaced instance does not ask the authority again.
  install -d -m 0700 $state/letsencrypt
  if [ ! -L /etc/letsencrypt ]; then rm -rf /etc/letsencrypt; ln -s $state/letsencrypt /etc/letsencrypt; fi
  certbot certonly --quiet --non-interactive --agree-tos --register-unsafely-without-email --keep-until-expiring \
    --webroot --webroot-path /var/lib/docproc-acme --domain "$HOST" --deploy-hook 'systemctl reload nginx'
  ln -sfn "/etc/letsencrypt/live/$HOST/fullchain.pem" /etc/docproc/tls/certificate.pem
  ln -sfn "/etc/letsencrypt/live/$HOST/privkey.pem" /etc/docproc/tls/key.pem
  systemctl reload nginx
  # Each distribution has its own name for the timer that renews.
  systemctl enable --quiet --now certbot.timer 2>/dev/null || systemctl enable --quiet --now certbot-renew.timer
}

services() {
  step "services"
  install -m 0755 "$here/docproc-manage" /usr/local/bin/docproc-manage
  cp -rT --no-preserve=all "$here/systemd" /etc/systemd/system
  systemctl daemon-reload
  systemctl restart docproc-secrets.service
  # The tables of users and sessions, and the ledger's if it is in SQL.
  # Several instances may start at once, and the loser of that race has nothing left to do next time.
  for _ in 1 2 3; do systemctl start docproc-task@migrate.service && break; sleep 5; done
  systemctl start docproc-task@migrate.service
  systemctl enable --quiet --now docproc-web@sns.socket docproc-web@pages.socket
  systemctl enable --quiet docproc-web@sns.service docproc-web@pages.service docproc-logs.service
  systemctl restart docproc-web@sns.service docproc-web@pages.service docproc-logs.service
  # Not needed to take invoices in, so no reason to give up; another instance may be at it.
  systemctl start docproc-task@create_tables.service || step "create_tables did not finish; run it by hand"
  systemctl enable --quiet --now docproc-redrive.timer docproc-reconcile.timer docproc-compact.timer \
    docproc-notify.timer docproc-expire.timer
}

answers() {
  step "waiting for an answer"
  local url=https://127.0.0.1/healthz
  if [ "$EDGE" = http ]; then url=http://127.0.0.1/healthz; fi
  curl -fsSk --retry 30 --retry-delay 2 --retry-all-errors -o /dev/null "$url"
  step "the service answers"
}

packages
accounts
programs
instance_id
claims
settings
services
web_server
certificate
answers
