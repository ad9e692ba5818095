# SPDX-License-Identifier: Apache-2.0
"""Stand-ins of the two servers a worker talks to, scriptable to fail. See README.md here."""
