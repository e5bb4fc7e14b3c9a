//! Words by which columns are known, in lower case and without punctuation, the
//! surest first.

#[rustfmt::skip]
pub(super) const USER: &[&str] = &[
    "userid", "customerid", "memberid", "buyerid", "clientid", "visitorid", "userpseudoid",
    "distinctid", "uid", "custid", "customerno", "customernumber", "custno", "memberno", "cardno",
    "loyaltyid", "accountid", "profileid", "contactid", "subscriberid", "personid", "householdid",
    "householdkey", "shopperid", "fullvisitorid", "amplitudeid", "anonymousid", "openid", "unionid",
    "masterid", "kundennummer", "kundenid", "kunde", "clienteid", "cliente", "klantid", "klant",
    "user", "usr", "customer", "cust", "member", "buyer", "client", "shopper", "visitor", "account",
    "person", "household", "用户id", "会员号", "会员编号", "会员卡号", "用户", "会员", "买家",
    "客户", "顾客", "粉丝", "下单账号", "账号", "手机", "customeremail", "email", "emailaddress",
    "phone", "mobile", "deviceid", "cookieid", "cookie",
];
/// Columns that say something of a user, and not who it is.
#[rustfmt::skip]
pub(super) const USER_NOT: &[&str] = &[
    "name", "gender", "age", "type", "segment", "group", "cohort", "lifecycle", "status", "agent",
    "country", "city", "state", "region", "tier", "level", "source", "lang", "language", "since",
    "created", "birthday", "birth", "note", "comment", "address", "zip", "score", "value", "ltv",
    "count", "session", "properties", "price", "marketing", "tags", "rating", "title", "备注",
    "等级", "性别", "年龄", "地区", "城市", "地址", "留言", "类型", "应付", "实际", "支付", "运费",
    "邮费", "积分", "服务费", "公司", "省",
];
#[rustfmt::skip]
pub(super) const TIME: &[&str] = &[
    "eventtime", "time", "timestamp", "eventtimestamp", "datetime", "orderedat", "orderdate",
    "ordertime", "purchasedate", "purchasedat", "transactiondate", "invoicedate", "occurredat",
    "receivedat", "createdat", "created", "date", "placedat", "processedat", "paidat", "eventdate",
    "day", "ts", "when", "at", "datum", "fecha", "下单时间", "订单创建时间", "创建时间", "付款时间",
    "支付时间", "成交时间", "时间", "日期",
];
/// Times of something other than the event.
#[rustfmt::skip]
pub(super) const TIME_NOT: &[&str] = &[
    "birth", "birthday", "dob", "signup", "registered", "registration", "joined", "first", "last",
    "updated", "modified", "expires", "expiry", "expiration", "valid", "delivered", "delivery",
    "shipped", "shipping", "fulfilled", "cancelled", "canceled", "refunded", "closed", "due",
    "launch", "loaded", "uploaded", "ingested", "sync", "end", "until", "previous", "生日", "注册",
    "更新", "修改", "到期", "过期", "发货", "收货", "退款", "取消", "关闭", "入会", "结束", "完成",
];
#[rustfmt::skip]
pub(super) const EVENT: &[&str] = &[
    "event", "eventtype", "eventname", "behaviortype", "behaviourtype", "behavior", "behaviour",
    "action", "actiontype", "activity", "activitytype", "kind", "ev", "metric", "行为类型", "行为",
    "事件", "动作",
];
#[rustfmt::skip]
pub(super) const ORDER_ID: &[&str] = &[
    "orderid", "orderno", "ordernumber", "ordernum", "ordername", "orderkey", "ordercode",
    "invoiceno", "invoiceid", "invoicenumber", "invoice", "transactionid", "transactionno", "txnid",
    "txid", "tradeno", "tradeid", "basketid", "basketno", "receiptid", "receiptno", "receiptnumber",
    "receipt", "ticketid", "ticketno", "billno", "billid", "checkoutid", "checkno", "saleid",
    "purchaseid", "incrementid", "documentno", "bonnr", "bestellnummer", "basket", "order",
    "订单编号", "订单号", "交易号", "单号", "流水号",
];
/// Columns of an order that do not name it.
#[rustfmt::skip]
pub(super) const ORDER_ID_NOT: &[&str] = &[
    "date", "time", "at", "day", "status", "state", "total", "amount", "type", "source", "count",
    "value", "price", "discount", "qty", "quantity", "currency", "channel", "item", "line",
    "product", "note", "platform", "method", "size", "状态", "时间", "金额", "日期", "类型", "来源",
    "备注", "数量", "商品", "标题", "种类", "优惠",
];
#[rustfmt::skip]
pub(super) const AMOUNT: &[&str] = &[
    "amount", "gmv", "revenue", "linetotal", "grandtotal", "ordertotal", "totalamount",
    "totalprice", "netamount", "netsales", "total", "dollarvalue", "purchaserevenue", "sales",
    "salesvalue", "turnover", "spend", "paid", "paidamount", "payment", "paymentvalue", "amt",
    "subtotal", "umsatz", "betrag", "montant", "importe", "实付金额", "实际支付", "实付", "实收",
    "支付金额", "成交金额", "销售额", "订单金额", "金额", "总价", "结算", "value",
];
#[rustfmt::skip]
pub(super) const AMOUNT_NOT: &[&str] = &[
    "refund", "refunded", "tax", "taxes", "shipping", "freight", "fee", "balance", "points",
    "discount", "coupon", "tip", "outstanding", "weight", "score", "rate", "income", "rating",
    "lifetime", "ltv", "predicted", "id", "count", "cost", "margin", "profit", "duration", "days",
    "charges", "quantity", "qty", "order", "退款", "邮费", "运费", "积分", "优惠", "税", "佣金",
    "红包", "成本", "服务费", "数量",
];
#[rustfmt::skip]
pub(super) const QUANTITY: &[&str] = &[
    "quantity", "qty", "quantityordered", "qtyordered", "lineitemquantity", "units", "unitssold",
    "numberof", "itemcount", "pieces", "pcs", "menge", "num", "购买数量", "数量", "件数",
];
#[rustfmt::skip]
pub(super) const PRICE: &[&str] = &[
    "unitprice", "lineitemprice", "itemprice", "itemcost", "sellingprice", "saleprice", "price",
    "单价", "售价", "价格",
];
pub(super) const PRICE_NOT: &[&str] =
    &["shipping", "freight", "compare", "original", "list", "before", "原价", "市场"];
pub(super) const DISCOUNT: &[&str] =
    &["discountamount", "discount", "coupondiscount", "rabatt", "优惠金额", "优惠", "折扣"];
pub(super) const DISCOUNT_NOT: &[&str] = &["code", "type", "name", "id", "tax", "退"];
#[rustfmt::skip]
pub(super) const ITEM: &[&str] = &[
    "itemid", "productid", "stockcode", "sku", "skuid", "productsku", "lineitemsku", "itemsku",
    "articleid", "item", "product", "article", "goods", "lineitemname", "productname", "itemname",
    "商品id", "商品编号", "货号", "商品", "宝贝",
];
#[rustfmt::skip]
pub(super) const ITEM_NOT: &[&str] = &[
    "category", "price", "quantity", "qty", "count", "type", "brand", "discount", "amount",
    "fulfillment", "compare", "status", "cost", "total", "taxable", "单价", "数量", "金额", "类目",
    "总价", "种类", "价格", "总",
];
#[rustfmt::skip]
pub(super) const CATEGORY: &[&str] = &[
    "categoryid", "category", "productcategory", "categorycode", "department", "warengruppe",
    "kategorie", "类目", "品类", "分类",
];
#[rustfmt::skip]
pub(super) const CHANNEL: &[&str] = &[
    "channel", "saleschannel", "platform", "source", "medium", "storeid", "store", "shop", "branch",
    "filiale", "verkaufsweg", "kanal", "magasin", "tienda", "canal", "渠道", "来源", "平台", "终端", "门店", "店铺",
];
#[rustfmt::skip]
pub(super) const DWELL: &[&str] = &[
    "dwell", "dwells", "duration", "durations", "timeonpage", "timespent", "engagementtime", "停留",
];
pub(super) const SESSION: &[&str] = &["sessionid", "session", "usersession", "visitid", "会话"];
#[rustfmt::skip]
pub(super) const STATUS: &[&str] = &[
    "financialstatus", "orderstatus", "paymentstatus", "status", "state", "订单状态", "交易状态",
    "状态",
];

/// What orders are that were not paid, or not for long; parts of a status in
/// lower case.
#[rustfmt::skip]
pub(super) const STATUS_VOID: &[&str] = &[
    "cancel", "void", "refunded", "returned", "failed", "expired", "declined", "rejected",
    "abandoned", "pending", "unpaid", "draft", "trash", "on-hold", "on hold", "关闭", "取消",
    "已退款", "待付款", "等待买家付款", "未付款", "未支付", "待支付",
];
/// What orders are that count.
#[rustfmt::skip]
pub(super) const STATUS_GOOD: &[&str] = &[
    "paid", "complete", "processing", "shipped", "delivered", "fulfilled", "closed", "success",
    "captured", "交易成功", "已完成", "已付款", "已发货", "待发货", "已签收", "已支付", "已收货",
    "等待卖家发货",
];

/// Values of users that stand for nobody.
pub(super) const NOBODY: &[&str] =
    &["0", "-1", "guest", "anonymous", "unknown", "test", "游客", "匿名", "匿名用户"];
