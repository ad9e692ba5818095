# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes of one node in namespaces of its own. Standard library only."""
