//! Ids on the wire: a prefix, an underscore and 26 characters. The schema says which prefix.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};
use vocabulary::{Id, Kind};

/// The id of a thing of kind `K`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ref<K: Kind>(pub Id<K>);

impl<K: Kind> From<Id<K>> for Ref<K> {
    fn from(id: Id<K>) -> Self {
        Self(id)
    }
}

impl<K: Kind> Serialize for Ref<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, K: Kind> Deserialize<'de> for Ref<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Id::parse(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// The pattern of an id with this prefix.
pub(crate) fn pattern(prefix: &str) -> String {
    format!("^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$")
}

/// An id that shows the form.
pub(crate) fn example(prefix: &str) -> String {
    format!("{prefix}_06f5t2c9wk7v1xq4mz8rhd3bne")
}

impl<K: Kind> PartialSchema for Ref<K> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .pattern(Some(pattern(K::PREFIX)))
            .examples([example(K::PREFIX)])
            .into()
    }
}

impl<K: Kind> ToSchema for Ref<K> {
    fn name() -> Cow<'static, str> {
        let full = std::any::type_name::<K>();
        Cow::Owned(format!("{}Id", full.rsplit("::").next().unwrap_or(full)))
    }
}

/// One name for each kind of id: the document's generator sees no generics through them.
pub mod ids {
    use super::Ref;
    use vocabulary::kinds;

    macro_rules! ids {
        ($($name:ident)*) => {$(
            #[doc = concat!("The id of a ", stringify!($name), ".")]
            pub type $name = Ref<kinds::$name>;
        )*};
    }

    ids! {
        Account Alias ApiKey Approval BankAccount Card CardToken Case Confirmation Customer Delivery Device Dispute Factor Merchant
        Order Payment Payout Policy Quote Refund Registration
        Session Settlement Staff Store TopUp Transfer Wallet Webhook
    }
}
