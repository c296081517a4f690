# Installs Debian's packages without their services; `tests/real/install` and `benches/run` source it.

readonly policy=/usr/sbin/policy-rc.d

# install_debian_packages PACKAGE…
install_debian_packages() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get update --quiet --quiet
    # Debian's servers must neither be configured nor started.
    debconf-set-selections <<<'postfix postfix/main_mailer_type select No configuration'
    forbid_services
    apt-get install --quiet --quiet --yes --no-install-recommends "$@"
    allow_services
}

forbid_services() {
    if [[ ! -e $policy ]]; then
        trap allow_services EXIT
        printf '#!/bin/sh\n# Written by tests/real/debian.sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
    fi
}

allow_services() {
    if grep --quiet --no-messages 'Written by tests/real/debian.sh' "$policy"; then
        rm "$policy"
    fi
}
