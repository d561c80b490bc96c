//! What may be asked of a log.

use cloister_ids::{RequestId, TenantId};
use garde::Validate;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::{Wanted, export::AuditFormat};

/// The parameters that every way of reading a log has, behind those of its own.
macro_rules! filter {
    ($(#[$doc:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$doc])*
        #[derive(Debug, Serialize, Deserialize, Validate, IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub(super) struct $name {
            $($own)*
            /// Only what this actor did.
            #[garde(inner(length(chars, min = 1, max = 200)))]
            #[param(min_length = 1, max_length = 200, example = "account:acc_01h455vb4pex5vsknk084sn02q")]
            #[serde(skip_serializing_if = "Option::is_none")]
            pub(super) actor: Option<String>,
            /// Only acts of this word.
            #[garde(inner(length(chars, min = 1, max = 100)))]
            #[param(min_length = 1, max_length = 100, example = "update")]
            #[serde(skip_serializing_if = "Option::is_none")]
            pub(super) action: Option<String>,
            /// Only acts on things of this kind.
            #[garde(inner(length(chars, min = 1, max = 100)))]
            #[param(min_length = 1, max_length = 100, example = "school.person")]
            #[serde(skip_serializing_if = "Option::is_none")]
            pub(super) resource: Option<String>,
            /// Only acts on this one.
            #[garde(inner(length(chars, min = 1, max = 200)))]
            #[param(min_length = 1, max_length = 200, example = "per_01h455vb4pex5vsknk084sn02q")]
            #[serde(skip_serializing_if = "Option::is_none")]
            pub(super) resource_id: Option<String>,
            /// Only of this request.
            #[garde(skip)]
            #[serde(skip_serializing_if = "Option::is_none")]
            pub(super) request_id: Option<RequestId>,
            /// Only from this time on.
            #[garde(skip)]
            #[param(example = "2026-01-01T00:00:00Z")]
            #[serde(skip_serializing_if = "Option::is_none")]
            pub(super) from: Option<Timestamp>,
            /// Only before this time.
            #[garde(skip)]
            #[param(example = "2026-02-01T00:00:00Z")]
            #[serde(skip_serializing_if = "Option::is_none")]
            pub(super) to: Option<Timestamp>,
        }

        impl $name {
            pub(super) fn wanted(&self) -> Wanted {
                Wanted {
                    actor: self.actor.clone(),
                    action: self.action.clone(),
                    resource: self.resource.clone(),
                    resource_id: self.resource_id.clone(),
                    request: self.request_id,
                    from: self.from,
                    to: self.to,
                }
            }
        }
    };
}

filter! {
    /// Which entries of a tenant's log.
    AuditFilter {}
}

filter! {
    /// Which entries of a tenant's log, and in which form.
    AuditExportFilter {
        /// The form of the file.
        #[garde(skip)]
        #[serde(default)]
        #[param(inline)]
        pub(super) format: AuditFormat,
    }
}

filter! {
    /// Which entries of the platform's log, and in which form.
    PlatformAuditExportFilter {
        /// The form of the file.
        #[garde(skip)]
        #[serde(default)]
        #[param(inline)]
        pub(super) format: AuditFormat,
        /// Only what concerns this tenant.
        #[garde(skip)]
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(super) tenant_id: Option<TenantId>,
    }
}

filter! {
    /// Which entries of the platform's log.
    PlatformAuditFilter {
        /// Only what concerns this tenant.
        #[garde(skip)]
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(super) tenant_id: Option<TenantId>,
    }
}
