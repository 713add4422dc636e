//! Fees: named cases, and the properties that hold for every plan and amount.

use super::{FeeParts, returned};
use crate::policies::{Bearer, Fee, RoundingRule};
use money::Rounding;
use proptest::prelude::*;

fn plan(fixed_minor: i64, bps: u32, min_minor: i64, max_minor: Option<i64>, tax_bps: u32) -> Fee {
    let (bearer, rounding) = (Bearer::Payee, RoundingRule::HalfUp);
    Fee { fixed_minor, bps, min_minor, max_minor, bearer, tax_bps, refundable: true, rounding }
}

#[test]
fn a_fee_has_a_fixed_part_and_a_share() {
    let fee = plan(30, 60, 0, None, 0);
    assert_eq!(fee.compute(10_000), Ok(FeeParts { fee: 90, tax: 0 }));
    assert_eq!(fee.compute(0), Ok(FeeParts::default()));
}

#[test]
fn bounds_hold_for_fee_and_tax_together() {
    let fee = plan(0, 60, 10, Some(530), 600);
    assert_eq!(fee.compute(100), Ok(FeeParts { fee: 10, tax: 0 }));
    assert_eq!(fee.compute(1_000_000), Ok(FeeParts { fee: 499, tax: 31 }));
}

#[test]
fn rounding_is_the_one_that_is_named() {
    let half = |rounding| Fee { rounding, ..plan(0, 50, 0, None, 0) };
    assert_eq!(half(RoundingRule::Down).compute(300).map(FeeParts::total), Ok(1));
    assert_eq!(half(RoundingRule::HalfUp).compute(300).map(FeeParts::total), Ok(2));
    assert_eq!(half(RoundingRule::HalfEven).compute(500).map(FeeParts::total), Ok(2));
    assert_eq!(half(RoundingRule::Up).compute(1).map(FeeParts::total), Ok(1));
}

#[test]
fn a_merchant_never_pays_more_than_the_payment() {
    let fee = plan(0, 0, 50, None, 600);
    assert_eq!(fee.compute(3).map(FeeParts::total), Ok(3));
    let payer = Fee { bearer: Bearer::Payer, ..fee };
    assert_eq!(payer.compute(3), Ok(FeeParts { fee: 47, tax: 3 }));
}

#[test]
fn an_amount_at_the_end_of_the_range_is_an_error_not_a_panic() {
    let fee = Fee { bearer: Bearer::Payer, ..plan(1, 10_000, 0, None, 10_000) };
    assert!(fee.compute(i64::MAX).is_err());
    assert!(fee.compute(-1).is_err());
}

#[test]
fn a_refund_in_thirds_gives_the_fee_back_to_the_last_unit() {
    let charged = FeeParts { fee: 100, tax: 7 };
    let mut back = FeeParts::default();
    for refunded in [33, 66, 99] {
        let part = returned(charged, back, (refunded, 99), Rounding::HalfUp).expect("the arguments are in range");
        back = FeeParts { fee: back.fee + part.fee, tax: back.tax + part.tax };
    }
    assert_eq!(back, charged);
}

fn any_fee() -> impl Strategy<Value = Fee> {
    let rounding = prop_oneof![
        Just(RoundingRule::Down),
        Just(RoundingRule::Up),
        Just(RoundingRule::HalfUp),
        Just(RoundingRule::HalfEven)
    ];
    let bearer = prop_oneof![Just(Bearer::Payer), Just(Bearer::Payee)];
    (0..500_i64, 0..2_000_u32, 0..300_i64, proptest::option::of(300..5_000_i64), 0..3_000_u32, rounding, bearer)
        .prop_map(|(fixed_minor, bps, min_minor, max_minor, tax_bps, rounding, bearer)| Fee {
            fixed_minor,
            bps,
            min_minor,
            max_minor,
            bearer,
            tax_bps,
            refundable: true,
            rounding,
        })
}

proptest! {
    #[test]
    fn what_is_charged_grows_with_the_amount(fee in any_fee(), amount in 0..5_000_000_i64, more in 0..1_000_000_i64) {
        let less = fee.compute(amount).unwrap().total();
        prop_assert!(less <= fee.compute(amount + more).unwrap().total());
    }

    #[test]
    fn the_merchant_keeps_something_or_nothing_but_never_owes(fee in any_fee(), amount in 1..2_000_i64) {
        let fee = Fee { bearer: Bearer::Payee, ..fee };
        let parts = fee.compute(amount).unwrap();
        prop_assert!(parts.fee >= 0 && parts.tax >= 0 && parts.total() <= amount);
    }

    #[test]
    fn captures_together_cost_what_one_costs(fee in any_fee(), parts in prop::collection::vec(1..100_000_i64, 1..6)) {
        let (mut captured, mut charged) = (0, 0);
        for part in parts {
            let cost = fee.further(captured, part).unwrap();
            prop_assert!(cost.fee >= 0 && cost.tax >= 0);
            captured += part;
            charged += cost.total();
        }
        prop_assert_eq!(charged, fee.compute(captured).unwrap().total());
    }

    #[test]
    fn refunds_never_give_back_more_than_was_charged(
        fee in any_fee(),
        amount in 1..1_000_000_i64,
        cuts in prop::collection::vec(1..1_000_i64, 0..8),
    ) {
        let charged = fee.compute(amount).unwrap();
        let (mut refunded, mut back) = (0, FeeParts::default());
        for cut in cuts.into_iter().chain([i64::MAX]) {
            refunded = amount.min(refunded + cut.min(amount));
            let part = returned(charged, back, (refunded, amount), fee.rounding.rounding()).unwrap();
            back = FeeParts { fee: back.fee + part.fee, tax: back.tax + part.tax };
            prop_assert!(back.fee <= charged.fee && back.tax <= charged.tax);
        }
        prop_assert_eq!(back, charged);
    }
}
