//! Merchant-presented codes: a dynamic one for an order, a static one for a store.

use crate::dto::Moment;
use crate::v1::qr::picture;
use bank::codes::{self, CodeView};
use bank::{BankError, Refusal, merchants, orders};
use edge::caller::{AsMerchant, PaymentsRead};
use edge::reply::{self, Handled, Reply};
use edge::{Params, PathId, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vocabulary::{ErrorCode, kinds};

/// A code.
#[derive(Debug, Serialize, ToSchema)]
pub struct Code {
    /// The text of the code (EMVCo merchant-presented).
    #[schema(example = "000201010212…6304A13A")]
    pub payload: String,
    /// `static` or `dynamic`.
    #[schema(example = "dynamic")]
    pub kind: String,
    /// The code as a picture (SVG).
    #[schema(example = "<svg …></svg>")]
    pub svg: String,
    /// From then on it cannot be paid.
    pub expires_at: Option<Moment>,
}

/// In which currency.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CodeOf {
    /// The currency of the code.
    #[param(pattern = "^[A-Z]{3}$", example = "CNY")]
    pub currency: String,
}

fn show(bank: &bank::Bank, found: Result<CodeView, Refusal>) -> Handled<Code> {
    let view = found.map_err(|refusal| Problem::refused(bank, refusal))?;
    let svg = picture(&view.payload)?;
    Ok(Reply::ok(Code { payload: view.payload, kind: view.kind, svg, expires_at: view.expires_at.map(Moment) }))
}

/// The code of an order
#[utoipa::path(get, path = "/v1/orders/{order}/code", tag = "codes",
    responses((status = 200, description = "A dynamic code.", body = Code)))]
pub async fn of_order(who: AsMerchant<PaymentsRead>, PathId(id): PathId<kinds::Order>) -> Handled<Code> {
    let merchant = who.merchant();
    let own = who.bank.store().read(move |snapshot| {
        Ok(orders::by_id(snapshot.reading(), id)?.filter(|order| order.merchant == merchant).map(|order| order.id))
    });
    let order = reply::found(own.await.map_err(BankError::from))?;
    show(&who.bank, codes::for_order(&who.bank, order).await?)
}

/// The code of a store
#[utoipa::path(get, path = "/v1/stores/{store}/code", tag = "codes", params(CodeOf),
    responses((status = 200, description = "A static code, to be printed.", body = Code)))]
pub async fn of_store(
    who: AsMerchant<PaymentsRead>,
    PathId(id): PathId<kinds::Store>,
    Params(of): Params<CodeOf>,
) -> Handled<Code> {
    let currency = who.bank.currencies().parse(&of.currency).map_err(|code| Problem::new(code).at("currency"))?;
    let merchant = reply::found(merchants::view(&who.bank, who.merchant()).await)?;
    if !merchant.stores.iter().any(|store| store.id == id) {
        return Err(Problem::new(ErrorCode::StoreNotFound));
    }
    show(&who.bank, codes::for_store(&who.bank, id, currency).await?)
}
