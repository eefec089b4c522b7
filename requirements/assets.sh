#!/bin/sh
# Install GraphiQL's assets in the folder $1. The service runs without them, so nothing here stops it.
set -u

cd "$1" 2>/dev/null && [ -f package.json ] || exit 0
stamp=node_modules/.installed
[ -f $stamp ] && [ $stamp -nt package.json ] && exit 0

if ! command -v npm >/dev/null 2>&1; then
    echo "npm was not found: GraphiQL will be loaded from its CDN; install npm and run again to have it offline."
    exit 0
fi

command=install
[ -f package-lock.json ] && command=ci
echo "Installing GraphiQL with npm …"
if npm "$command" --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=1 --fetch-retry-mintimeout=1000; then
    touch $stamp
else
    echo "npm failed: GraphiQL will be loaded from its CDN; run again to have it offline."
fi
