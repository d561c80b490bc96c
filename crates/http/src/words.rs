//! Enumerations as words: the same in JSON, in the database (text with a CHECK) and in the API document.

/// Declares an enumeration whose values are words. The crate that uses it depends on `serde` and `utoipa`.
///
/// ```
/// cloister_http::words! {
///     /// Whether a door is open.
///     pub enum Door {
///         /// Anybody may pass.
///         Open = "open",
///         /// Nobody may.
///         Shut = "shut",
///     }
/// }
/// assert_eq!(Door::Open.word(), "open");
/// assert_eq!("shut".parse(), Ok(Door::Shut));
/// assert!("ajar".parse::<Door>().is_err());
/// ```
#[macro_export]
macro_rules! words {
    ($(#[$doc:meta])* $seen:vis enum $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ::serde::Serialize, ::serde::Deserialize)]
        $seen enum $name { $($(#[$of])* #[serde(rename = $word)] $variant),* }

        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word for it.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl ::utoipa::PartialSchema for $name {
            fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::schema::Schema> {
                ::utoipa::openapi::ObjectBuilder::new()
                    .schema_type(::utoipa::openapi::schema::Type::String)
                    .enum_values(Some([$($word),*]))
                    .into()
            }
        }

        impl ::utoipa::ToSchema for $name {
            fn name() -> ::std::borrow::Cow<'static, str> {
                ::std::borrow::Cow::Borrowed(stringify!($name))
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = ::std::string::String;

            fn from_str(text: &str) -> ::std::result::Result<Self, ::std::string::String> {
                match text {
                    $($word => ::std::result::Result::Ok(Self::$variant),)*
                    _ => ::std::result::Result::Err(::std::format!(
                        "`{text}` is none of {}", [$($word),*].join(", ")
                    )),
                }
            }
        }
    };
}
