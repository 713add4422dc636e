//! `/v1/sandbox`

use crate::house::House;
use bank::staff::Role;
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_moves_forward_only() {
    let house = House::open().await;
    let staff = house.staff(Role::Operations).await;
    let by = json!({"advance_seconds": 3_600});
    let moved = house.put(Method::POST, "/v1/sandbox/clock", &staff, &by).await.expect(200);
    assert_eq!(moved["now"], "2026-11-23T03:00:00Z");
    let back = json!({"to": "2026-11-23T02:00:00Z"});
    house.put(Method::POST, "/v1/sandbox/clock", &staff, &back).await.refused(409, "clock_backwards");
    let far = json!({"to": "9999-01-01T00:00:00Z"});
    house.put(Method::POST, "/v1/sandbox/clock", &staff, &far).await.refused(422, "invalid_field");
    house.put(Method::POST, "/v1/sandbox/clock", &staff, &json!({})).await.refused(422, "missing_field");
}
