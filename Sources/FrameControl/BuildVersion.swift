// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// What both programs call themselves.
package let buildVersion = "0.1.0"
