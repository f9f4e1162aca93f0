/* Payments as the lanes speak of them: what a provider says, in one form for all providers. */
#ifndef DATA_PAYMENT_H
#define DATA_PAYMENT_H

/* The result of pay_create and pay_ask (and each item of pay_list): JSON, one object
 *   found      false: the provider knows no such payment (then nothing else is there)
 *   ext_id     the provider's id, text
 *   order      our own order name as the provider has it (metadata.order_id, orderId), or absent
 *   status     "pending" | "waiting" (for capture) | "succeeded" | "partial" | "canceled" | "refunded"
 *   amount     what was ordered, in hundredths; currency: text
 *   paid       what was paid, in hundredths (equal to amount unless the provider says otherwise)
 *   refunded   in hundredths
 *   test       the provider's test flag (YooKassa; absent where a provider has none)
 *   shop       the receiving shop's account id (YooKassa; absent where a provider has none)
 *   reason     why it was canceled, or absent
 *   url        where the payer goes (pay_create; while it is pending)
 *   raw        the provider's own status word, for the operator
 * of pay_refund and pay_refund_ask:
 *   found, ext_id (of the refund), payment (ext_id of the payment), status "pending" | "succeeded" | "canceled",
 *   amount, currency
 * of pay_list: items: [as above], next: cursor or absent */

/* Order names: what the provider shows back to us. Latin letters and digits, a letter first (payments, Betatransfer):
 * "a" and the number of our payment. */
#define PAYMENT_ORDER_BYTES 24

#endif
