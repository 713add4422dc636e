//! The error index: one table of every code that a caller can meet, with status, meaning and what to do.
//!
//! `docs/errors.md` is generated from it. A code's name never changes once published; tidy refuses a code that no test
//! names. Codes say what is wrong, not where: the problem's `detail` and `errors[]` do that.

/// The HTTP status class of a code, so that lower floors need not know HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 400
    BadRequest,
    /// 401
    Unauthorized,
    /// 403
    Forbidden,
    /// 404
    NotFound,
    /// 405
    MethodNotAllowed,
    /// 409
    Conflict,
    /// 413
    TooLarge,
    /// 414
    AddressTooLong,
    /// 415
    UnsupportedMedia,
    /// 422
    Unprocessable,
    /// 429
    TooManyRequests,
    /// 431
    HeadTooLarge,
    /// 500
    Internal,
    /// 503
    Unavailable,
}

impl Status {
    /// The HTTP status number (RFC 9110, section 15).
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::AddressTooLong => 414,
            Self::UnsupportedMedia => 415,
            Self::Unprocessable => 422,
            Self::TooManyRequests => 429,
            Self::HeadTooLarge => 431,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }
}

macro_rules! error_codes {
    ($($name:ident $code:literal $status:ident $title:literal $action:literal)*) => {
        /// A stable error code. See [`ErrorCode::title`] for its meaning and [`ErrorCode::action`] for what to do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ErrorCode {
            $(#[doc = $title] $name,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable name, snake case.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The status class.
            #[must_use]
            pub const fn status(self) -> Status {
                match self { $(Self::$name => Status::$status,)* }
            }

            /// What it means, in one clause without a full stop.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// What the caller should do, a sentence.
            #[must_use]
            pub const fn action(self) -> &'static str {
                match self { $(Self::$name => $action,)* }
            }
        }
    };
}

impl ErrorCode {
    /// The code of this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}

error_codes! {
    MalformedJson "malformed_json" BadRequest "The body is not JSON" "Send one JSON object in UTF-8 without duplicate keys."
    MalformedRequest "malformed_request" BadRequest "The request is not HTTP/1.1" "Correct the request line and the headers."
    AddressTooLong "address_too_long" AddressTooLong "The address is too long" "Send what is asked for in the body, or ask for less."
    HeadTooLarge "head_too_large" HeadTooLarge "The request's headers are too large" "Send fewer and shorter headers."
    BodyTooLarge "body_too_large" TooLarge "The body is too large" "Send at most the size the documentation names."
    BodyTooDeep "body_too_deep" BadRequest "The body is nested too deeply" "Send a flatter object."
    UnsupportedMediaType "unsupported_media_type" UnsupportedMedia "The content type is not JSON" "Send content-type: application/json."
    UnknownField "unknown_field" Unprocessable "A field is not known here" "Remove the field that errors[] points at."
    MissingField "missing_field" Unprocessable "A field is missing" "Add the field that errors[] points at."
    InvalidField "invalid_field" Unprocessable "A field has a value that is not allowed" "Correct the field that errors[] points at."
    InvalidParameter "invalid_parameter" BadRequest "A query parameter is not allowed" "Correct or remove the parameter."
    InvalidId "invalid_id" BadRequest "The id is not of the expected form" "Use an id as this API printed it, with its prefix."
    InvalidCursor "invalid_cursor" BadRequest "The cursor is not one of ours" "Start again without a cursor, or use next_cursor as it was given."
    NotFound "not_found" NotFound "There is nothing at this address for you" "Check the id; someone else's object looks the same as none."
    MethodNotAllowed "method_not_allowed" MethodNotAllowed "The method is not offered here" "Use a method that the Allow header names."
    Unauthenticated "unauthenticated" Unauthorized "No valid credential was given" "Sign in, or send a valid bearer token."
    AmbiguousCredentials "ambiguous_credentials" BadRequest "Two credentials were sent" "Send the Authorization header or the session cookie, not both."
    CrossSite "cross_site" Forbidden "The request comes from another site" "Send it from a page of this bank, with the header X-CSRF: 1."
    Forbidden "forbidden" Forbidden "The credential may not do this" "Use a credential with the right role or scope."
    InvalidCredentials "invalid_credentials" Unauthorized "The sign-in name or password is wrong" "Check both and try again."
    RefreshTokenInvalid "refresh_token_invalid" Unauthorized "The refresh token is not good, or not any more" "Sign in again."
    DeviceProofInvalid "device_proof_invalid" Unprocessable "The device's key or its proof is not good" "Ask for a new challenge and sign it; a device that was revoked makes a new key."
    TooManyAttempts "too_many_attempts" TooManyRequests "Too many failed attempts" "Wait until the time in Retry-After."
    RateLimited "rate_limited" TooManyRequests "Too many requests" "Wait until the time in Retry-After."
    Overloaded "overloaded" Unavailable "The bank is busy" "Send the same request with the same key again after Retry-After."
    Unavailable "unavailable" Unavailable "The bank cannot store anything now" "Send the same request with the same key again after Retry-After."
    OutcomeUnknown "outcome_unknown" Unavailable "Whether the request took effect is not known yet" "Send the same request with the same key again; it acts at most once."
    TooManyAtOnce "too_many_at_once" Unprocessable "The call asks for too much at once" "Send several calls, each of at most the number the documentation names."
    ReadTooLong "read_too_long" Unavailable "Reading took too long" "Ask for less at once: a shorter period or a smaller page."
    Internal "internal" Internal "The bank made a mistake" "Tell the bank the request id."
    IdempotencyKeyMissing "idempotency_key_missing" BadRequest "The Idempotency-Key header is missing" "Send a key of 1 to 255 visible ASCII characters, fresh for each new wish."
    IdempotencyKeyInvalid "idempotency_key_invalid" BadRequest "The Idempotency-Key header is not usable" "Send a key of 1 to 255 visible ASCII characters."
    IdempotencyKeyReused "idempotency_key_reused" Unprocessable "The key was used with another body" "Use a fresh key for a new wish, or the same body for a retry."
    IdempotencyInFlight "idempotency_in_flight" Conflict "The first request with this key is still running" "Wait a moment and send the same request again."
    AmountMalformed "amount_malformed" Unprocessable "The amount is not plain digits" "Write the amount like \"12.34\": ASCII digits, at most one point."
    AmountTooPrecise "amount_too_precise" Unprocessable "The amount has too many digits after the point" "Use at most the currency's digits."
    AmountNotPositive "amount_not_positive" Unprocessable "The amount is zero" "Send an amount above zero."
    AmountTooLarge "amount_too_large" Unprocessable "The amount is too large" "Send a smaller amount."
    CurrencyUnknown "currency_unknown" Unprocessable "The currency is not known here" "Use an ISO 4217 code or a unit the bank declared."
    CurrencyMismatch "currency_mismatch" Conflict "The currencies differ" "Use the currency of the account or the order."
    AccountNotFound "account_not_found" NotFound "There is no such account" "Check the id."
    AccountClosed "account_closed" Conflict "The account is closed" "Use an open account."
    AccountNotEmpty "account_not_empty" Conflict "The account still holds money or holds" "Empty the account and end its holds first."
    AccountFrozen "account_frozen" Conflict "The account is frozen" "Ask the bank why."
    AccountExists "account_exists" Conflict "The account exists with other properties" "Use a fresh id."
    AccountsSame "accounts_same" Unprocessable "Debit and credit are the same account" "Name two different accounts."
    EntryUnbalanced "entry_unbalanced" Unprocessable "Debits and credits differ" "Make them equal in every currency and legal entity."
    EntryExists "entry_exists" Conflict "The id exists with other content" "Use a fresh id."
    EntryChainFailed "entry_chain_failed" Conflict "Another entry of the chain failed" "Correct the entry that failed first."
    InsufficientFunds "insufficient_funds" Conflict "The available balance is too small" "Add money or send less."
    LimitExceeded "limit_exceeded" Conflict "A limit would be exceeded" "Send less, or wait until the limit resets at resets_at."
    BalanceLimitExceeded "balance_limit_exceeded" Conflict "The receiver's balance limit would be exceeded" "Send less."
    HoldNotFound "hold_not_found" NotFound "There is no such hold" "Check the id."
    HoldExpired "hold_expired" Conflict "The hold has expired" "Start a new payment."
    HoldNotOver "hold_not_over" Conflict "The hold's time is not over" "Wait until it expires, or void it."
    HoldAlreadyCaptured "hold_already_captured" Conflict "The hold was captured already" "Nothing is left to do."
    HoldAlreadyVoided "hold_already_voided" Conflict "The hold was voided already" "Nothing is left to do."
    CaptureExceedsHold "capture_exceeds_hold" Conflict "The capture is larger than what is held" "Capture at most the remaining hold."
    CustomerExists "customer_exists" Conflict "A customer with this sign-in name exists" "Sign in, or choose another name."
    ContactRequired "contact_required" Forbidden "A phone number or an e-mail address has to be proved first" "Begin at POST /v1/registrations."
    PasswordTooWeak "password_too_weak" Unprocessable "The password is too short or too common" "Use as many characters as the detail says, at least four of them different."
    WalletCurrencyExists "wallet_currency_exists" Conflict "The wallet has an account in this currency" "Use the account it has."
    AliasTaken "alias_taken" Conflict "The alias belongs to a wallet already" "Use another alias."
    AliasInvalid "alias_invalid" Unprocessable "The alias is not a phone number, an e-mail address or a handle" "Phone as +8613800000000, e-mail as name@example.com, handle as @name."
    CodeWrong "code_wrong" Unprocessable "The code is wrong" "Check the code that was sent; ask for a new one after too many tries."
    CodeExpired "code_expired" Conflict "The code has expired" "Ask for a new code."
    PayeeIsPayer "payee_is_payer" Unprocessable "Payer and payee are the same" "Choose another payee."
    PayeeChanged "payee_changed" Conflict "The payee is no longer who was confirmed" "Look the payee up and confirm again."
    ConfirmationRequired "confirmation_required" Conflict "The payee was not confirmed" "Look the payee up and send the confirmation it gave."
    TransferNotPending "transfer_not_pending" Conflict "The transfer is already final" "Nothing is left to do."
    MerchantNotActive "merchant_not_active" Conflict "The merchant cannot accept payments" "Choose another merchant."
    StoreNotFound "store_not_found" NotFound "There is no such store" "Check the id."
    ReferenceReused "reference_reused" Conflict "The reference was used for something else" "Use a fresh reference; references are unique for ever."
    OrderExpired "order_expired" Conflict "The order has expired" "Ask the merchant for a new order."
    OrderNotOpen "order_not_open" Conflict "The order is paid or cancelled" "Look at the order's state."
    OrderAmountDiffers "order_amount_differs" Unprocessable "The amount is not that of the order" "Pay exactly the order's amount."
    PaymentNotHeld "payment_not_held" Conflict "The payment holds nothing" "Look at the payment's state."
    PaymentNotCaptured "payment_not_captured" Conflict "The payment was not captured" "Void it instead of refunding."
    RefundExceedsPayment "refund_exceeds_payment" Conflict "Refunds and disputes would exceed what was captured" "Refund at most what is left."
    RefundTooLate "refund_too_late" Conflict "The payment is too old to refund" "Pay the customer another way."
    RefundTooMany "refund_too_many" Conflict "The payment has too many refunds" "Pay the customer another way."
    RefundMerchantShort "refund_merchant_short" Conflict "The merchant's balance is too small for the refund" "Wait for the next settlement or add money."
    BankAccountNotFound "bank_account_not_found" NotFound "There is no such bank account" "Check the id."
    BankAccountInvalid "bank_account_invalid" Unprocessable "The bank account number is not valid" "Check the number; an IBAN has check digits."
    CardNumberInvalid "card_number_invalid" Unprocessable "The card number is not valid" "Check the number; its last digit is a check digit."
    CardExpired "card_expired" Unprocessable "The card has expired, or its expiry is not a month" "Check month and year, or use another card."
    CardCodeInvalid "card_code_invalid" Unprocessable "The card's security code is not valid" "Three digits, four on American Express."
    CardDetailsUnreadable "card_details_unreadable" Unprocessable "The encrypted card details cannot be read" "Encrypt them for the first key that the card vault publishes, with RSA-OAEP-256 and A256GCM."
    CardTicketInvalid "card_ticket_invalid" Unauthorized "The ticket for the card vault is not valid" "Ask the bank for a new ticket; one is good for five minutes and one card."
    CardNotFound "card_not_found" NotFound "There is no such card" "Store the card in the vault and link it within a day, or check the id."
    CardsTooMany "cards_too_many" Conflict "The customer has as many cards as the bank allows" "Remove a card first."
    CardsNotOffered "cards_not_offered" Conflict "This bank keeps no cards" "Link a bank account instead."
    CaseClosed "case_closed" Conflict "The case is closed" "Look at its notes; open matters get a case of their own."
    MoneyWaiting "money_waiting" Conflict "Money waits in suspense under the case" "Propose that it is released or sent back; the case is closed with it."
    QuoteExpired "quote_expired" Conflict "The quote has expired" "Ask for a new quote."
    QuoteUsed "quote_used" Conflict "The quote was redeemed already" "Ask for a new quote; retry a request whose answer was lost with its own key."
    QuoteDiffers "quote_differs" Conflict "The request is not what was quoted" "Send exactly what was quoted."
    QrMalformed "qr_malformed" Unprocessable "The code is not a well-formed EMVCo payload" "Scan again; the code may be damaged."
    QrCrcMismatch "qr_crc_mismatch" Unprocessable "The code's check sum is wrong" "Scan again; the code may be damaged."
    QrMissingField "qr_missing_field" Unprocessable "The code lacks a mandatory field" "Ask the merchant for a new code."
    QrInvalidField "qr_invalid_field" Unprocessable "A field of the code is not allowed" "Ask the merchant for a new code."
    QrForeign "qr_foreign" Unprocessable "The code is of another scheme" "Pay it with that scheme's wallet."
    DayAlreadyClosed "day_already_closed" Conflict "The booking day is closed" "Entries book to the open day."
    DayNotOver "day_not_over" Conflict "The booking day is not over" "Close it after its cut-off."
    ApprovalRequired "approval_required" Forbidden "A second person has to approve it" "Ask somebody who may do it too, then send the same again with the header Approval."
    ApprovalNotValid "approval_not_valid" Conflict "The approval is not one for this" "Send exactly what was approved, while it is good, or ask again."
    FactorWrong "factor_wrong" Forbidden "The password, PIN or code is not right" "Check it and try again; after too many tries it has to wait."
    FactorExists "factor_exists" Conflict "Such a factor is set already" "Remove the present one first."
    PinTooWeak "pin_too_weak" Unprocessable "The PIN is too easy to guess" "Choose six digits that are no row, no repetition and no date."
    StepUpRequired "step_up_required" Forbidden "You have to confirm this yourself" "Confirm exactly what is shown, then send the same again under a fresh key with the header Confirmation."
    ConfirmationNotValid "confirmation_not_valid" Conflict "The confirmation is not one for this" "Send exactly what was confirmed, once and while it is good, or begin again."
    PolicyInvalid "policy_invalid" Unprocessable "The policy value is out of its range" "Correct the value."
    WebhookUrlRefused "webhook_url_refused" Unprocessable "The address may not receive webhooks" "Use a public https address."
    WebhookDisabled "webhook_disabled" Conflict "The endpoint is disabled" "Enable it first."
    SandboxOnly "sandbox_only" Forbidden "Only a sandbox offers this" "Use a test bank."
    ClockBackwards "clock_backwards" Conflict "The sandbox clock only moves forward" "Give a later time."
    CsvRowInvalid "csv_row_invalid" Unprocessable "A row of the file is not usable" "Correct the row; the others went on."
}
