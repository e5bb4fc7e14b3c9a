//! Words by which columns and events are known, in lower case; of columns also
//! without punctuation.

pub(super) const USER: &[&str] = &[
    "userid",
    "customerid",
    "memberid",
    "buyerid",
    "clientid",
    "visitorid",
    "uid",
    "user",
    "customer",
    "member",
    "buyer",
    "client",
    "custid",
    "cust",
    "openid",
    "shopper",
    "accountid",
    "用户",
    "会员",
    "客户",
    "买家",
    "顾客",
];
pub(super) const TIME: &[&str] = &[
    "time",
    "timestamp",
    "eventtime",
    "orderedat",
    "createdat",
    "invoicedate",
    "orderdate",
    "date",
    "datetime",
    "时间",
    "日期",
    "day",
    "ts",
];
pub(super) const EVENT: &[&str] = &[
    "event",
    "eventtype",
    "eventname",
    "behaviortype",
    "behaviourtype",
    "behavior",
    "action",
    "kind",
    "ev",
    "行为",
    "事件",
];
pub(super) const ORDER_ID: &[&str] =
    &["orderid", "orderno", "ordernumber", "invoiceno", "invoiceid", "transactionid", "订单"];
pub(super) const AMOUNT: &[&str] = &[
    "amount",
    "gmv",
    "revenue",
    "totalprice",
    "total",
    "dollarvalue",
    "sales",
    "spend",
    "paid",
    "payment",
    "amt",
    "金额",
    "实付",
    "总价",
    "value",
];
pub(super) const QUANTITY: &[&str] = &["quantity", "qty", "units", "numberof", "num", "数量"];
pub(super) const PRICE: &[&str] = &["unitprice", "price", "单价", "价格"];
pub(super) const DISCOUNT: &[&str] = &["discount", "优惠", "折扣"];
pub(super) const ITEM: &[&str] =
    &["itemid", "productid", "stockcode", "sku", "item", "product", "goods", "商品"];
pub(super) const CATEGORY: &[&str] = &["categoryid", "category", "类目", "品类"];
pub(super) const CHANNEL: &[&str] = &["channel", "platform", "渠道"];
pub(super) const DWELL: &[&str] = &["dwell", "duration", "停留"];
pub(super) const SESSION: &[&str] = &["sessionid", "session"];

/// Words for events that are orders, the plainest first.
pub(super) const ORDER_EVENTS: &[&str] = &[
    "order",
    "purchase",
    "buy",
    "transaction",
    "order_placed",
    "order_completed",
    "payment_done",
    "payment",
    "paid",
    "checkout_complete",
    "购买",
    "下单",
    "支付",
];

/// Steps of the way to an order and beyond, each with the plainest words first.
pub(super) const VIEW_EVENTS: &[&str] =
    &["view", "product_view", "view_item", "item_view", "page_view", "pv", "click", "浏览", "点击"];
pub(super) const CART_EVENTS: &[&str] =
    &["add_to_cart", "addtocart", "cart_add", "cart", "加购", "加入购物车", "购物车"];
pub(super) const SHARE_EVENTS: &[&str] = &["share", "forward", "分享", "转发"];
