//! Linking, naming and removing cards.

use crate::cards::{self, CardView, NewCard};
use crate::testing::{TestBank, TestCustomer};
use crate::wish::{Principal, Wish};
use crate::{customers, policies};
use vocabulary::{Id, kinds};

const fn token(number: u128) -> Id<kinds::CardToken> {
    Id::from_u128(number)
}

async fn link(
    test: &TestBank,
    who: Principal,
    number: u128,
    label: Option<&str>,
) -> Result<CardView, (&'static str, Option<String>)> {
    let new = NewCard { token: token(number), label: label.map(str::to_owned) };
    let answer = cards::link(&test.bank, Wish::internal(who, "cards.link"), new).await.expect("no trouble");
    answer.result.map_err(|refusal| (refusal.code.as_str(), refusal.field))
}

fn as_customer(customer: &TestCustomer) -> Principal {
    Principal::Customer(customer.id)
}

async fn remove(test: &TestBank, who: Principal, id: Id<kinds::Card>) -> Result<(), &'static str> {
    let answer = cards::remove(&test.bank, Wish::internal(who, "cards.remove"), id).await.expect("no trouble");
    answer.result.map_err(|refusal| refusal.code.as_str())
}

async fn kinds_of_events(test: &TestBank, owner: &TestCustomer) -> Vec<String> {
    let events = test.bank.store().read(|found| found.events_after(0, None, 1_000)).await.expect("reads");
    let own = events.into_iter().filter(|event| event.owner == Some(owner.id.as_u128()));
    own.map(|event| event.kind).filter(|kind| kind.starts_with("card.")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_linked_once_by_its_owner_and_stored_sealed() {
    let test = TestBank::new();
    let (alice, bob) = (test.customer("Alice Zhang", 0), test.customer("Bob Li", 0));
    test.cards.bring(token(1), alice.id, "4242");
    let linked = link(&test, as_customer(&alice), 1, Some("  blue one ")).await.expect("linked");
    assert_eq!((linked.brand.as_str(), linked.last4.as_str(), linked.expiry_year), ("visa", "4242", 2030));
    assert_eq!(linked.label.as_deref(), Some("blue one"));
    let again = link(&test, as_customer(&alice), 1, None).await.expect("linked");
    assert_eq!(again, linked, "the same token is the same card, and keeps its name");
    let refused = |code| Err((code, None));
    assert_eq!(link(&test, as_customer(&bob), 1, None).await, refused("card_not_found"), "someone else's");
    assert_eq!(link(&test, as_customer(&alice), 2, None).await, refused("card_not_found"));
    assert_eq!(link(&test, Principal::System, 1, None).await, refused("forbidden"));
    assert_eq!(cards::list(&test.bank, alice.id).await.expect("no trouble"), [linked]);
    assert!(cards::list(&test.bank, bob.id).await.expect("no trouble").is_empty());
    let stored = test.bank.store().read(|snapshot| {
        let found = snapshot.reading().query("SELECT details FROM linked_card", &[], |row| row.blob(0))?;
        Ok(found)
    });
    let stored = stored.await.expect("no trouble").remove(0);
    assert!(!stored.windows(4).any(|window| window == b"4242" || window == b"visa" || window == b"blue"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_bounded_and_never_a_card_number() {
    let test = TestBank::new();
    let alice = test.customer("Alice Zhang", 0);
    test.cards.bring(token(1), alice.id, "4242");
    let at_label = || Err(("invalid_field", Some("label".to_owned())));
    for label in ["4111 1111 1111 1111", "my 41111111", "a\nb", &"x".repeat(41), "４１１１１１１１"] {
        assert_eq!(link(&test, as_customer(&alice), 1, Some(label)).await, at_label(), "{label}");
    }
    let card = link(&test, as_customer(&alice), 1, Some("Salary 2026 卡")).await.expect("linked");
    let rename = async |who, name: &str| {
        let wish = Wish::internal(who, "cards.rename");
        let answer = cards::rename(&test.bank, wish, card.id, Some(name.to_owned())).await.expect("no trouble");
        answer.result.map(|card| card.label).map_err(|refusal| refusal.code.as_str())
    };
    assert_eq!(rename(as_customer(&alice), "Holidays").await, Ok(Some("Holidays".to_owned())));
    assert_eq!(rename(as_customer(&alice), "4111111111111111").await, Err("invalid_field"));
    assert_eq!(rename(as_customer(&test.customer("Bob Li", 0)), "Mine").await, Err("card_not_found"));
    assert_eq!(rename(as_customer(&alice), "  ").await, Ok(None));
    assert_eq!(kinds_of_events(&test, &alice).await, ["card.linked", "card.renamed", "card.renamed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_card_is_gone_at_once_and_destroyed_when_the_vault_answers() {
    let test = TestBank::new();
    let (alice, bob) = (test.customer("Alice Zhang", 0), test.customer("Bob Li", 0));
    test.cards.bring(token(1), alice.id, "4242");
    let card = link(&test, as_customer(&alice), 1, None).await.expect("linked").id;
    assert_eq!(remove(&test, as_customer(&bob), card).await, Err("card_not_found"));
    test.cards.away(true);
    assert_eq!(remove(&test, as_customer(&alice), card).await, Ok(()));
    assert_eq!(remove(&test, as_customer(&alice), card).await, Err("card_not_found"));
    assert!(cards::list(&test.bank, alice.id).await.expect("no trouble").is_empty());
    test.run_jobs();
    assert!(test.cards.destroyed().is_empty(), "it did not answer");
    test.cards.away(false);
    assert_eq!(
        link(&test, as_customer(&alice), 1, None).await.expect_err("a removed token never comes back").0,
        "card_not_found"
    );
    test.clock.advance(3_600);
    test.run_jobs();
    assert_eq!(test.cards.destroyed(), [token(1)]);
    test.clock.advance(86_400);
    test.run_jobs();
    assert_eq!(test.cards.destroyed().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_does_not_answer_links_nothing() {
    let test = TestBank::new();
    let alice = test.customer("Alice Zhang", 0);
    test.cards.bring(token(1), alice.id, "4242");
    test.cards.away(true);
    let new = NewCard { token: token(1), label: None };
    let wish = Wish::internal(as_customer(&alice), "cards.link");
    let trouble = cards::link(&test.bank, wish, new).await.expect_err("no answer");
    assert_eq!(trouble.code().as_str(), "unavailable");
    assert!(cards::list(&test.bank, alice.id).await.expect("no trouble").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_has_only_so_many_cards() {
    let test = TestBank::new();
    let alice = test.customer("Alice Zhang", 0);
    let change = policies::Change {
        name: "cards_per_customer".to_owned(),
        value: serde_json::json!(1),
        from: None,
        source: "a test".to_owned(),
    };
    let set = policies::set(&test.bank, Wish::internal(Principal::System, "policies.set"), change).await;
    set.expect("no trouble").result.expect("set");
    let ticket = async || {
        let wish = Wish::internal(as_customer(&alice), "cards.ticket");
        let answer = cards::ticket(&test.bank, wish).await.expect("no trouble");
        answer.result.map_err(|refusal| refusal.code.as_str())
    };
    let given = ticket().await.expect("a ticket");
    assert_eq!((given.ticket, given.vault.as_str()), (format!("ticket-for-{}", alice.id), "https://vault.example"));
    for number in [1, 2] {
        test.cards.bring(token(number), alice.id, "4242");
    }
    let first = link(&test, as_customer(&alice), 1, None).await.expect("linked");
    assert_eq!(ticket().await.map(|_| ()), Err("cards_too_many"));
    assert_eq!(link(&test, as_customer(&alice), 2, None).await, Err(("cards_too_many", None)));
    link(&test, as_customer(&alice), 1, None).await.expect("the one she has is no second");
    test.run_jobs();
    assert_eq!(test.cards.destroyed(), [token(2)], "what was refused is not kept");
    remove(&test, as_customer(&alice), first.id).await.expect("removed");
    test.cards.bring(token(3), alice.id, "4242");
    link(&test, as_customer(&alice), 3, None).await.expect("there is room again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_customers_cards_are_destroyed() {
    let test = TestBank::new();
    let alice = test.customer("Alice Zhang", 0);
    test.cards.bring(token(1), alice.id, "4242");
    link(&test, as_customer(&alice), 1, None).await.expect("linked");
    let erased = customers::erase(&test.bank, Wish::internal(Principal::System, "customers.erase"), alice.id).await;
    erased.expect("no trouble").result.expect("erased");
    test.run_jobs();
    assert_eq!(test.cards.destroyed(), [token(1)]);
    assert_eq!(kinds_of_events(&test, &alice).await, ["card.linked", "card.removed"]);
}
