#!/bin/sh
# Makes configure and Makefile.in from configure.ac and Makefile.am; for a git checkout.
set -e
cd "$(dirname "$0")"
exec autoreconf --force --install
