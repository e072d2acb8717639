#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# Stands in for the C tests where configure did not find libcheck.
echo "not ok 1 - the tests in C need libcheck and pkg-config"
echo "# Install them (Debian: apt-get install check pkg-config), then run configure again."
exit 1
