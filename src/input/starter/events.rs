//! What the events of a shop are called, and what part they play.

use super::columns::words_of;

/// Means by which a business reaches people.
pub(super) type Medium = &'static str;

/// The part that an event plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Order,
    Checkout,
    Cart,
    View,
    Click,
    Share,
    Coupon,
    /// Done by the business: a message sent.
    Outbound(Medium),
    /// An answer to it: a message opened.
    Response(Medium),
    /// Turning away: refunds, sign-offs.
    Negative,
    /// An event for certain, but with no part of its own.
    Other,
}

#[rustfmt::skip]
const NEGATIVE: &[&str] = &[
    "refund*", "return", "returns", "returned", "cancel*", "unsub*", "optout", "uninstall*",
    "bounce*", "spam", "complain*", "complaint*", "dispute*", "chargeback*", "unfollow*", "退款",
    "退货", "取消", "退订", "投诉", "卸载", "取关", "差评", "拉黑", "注销",
];
#[rustfmt::skip]
const MEDIA: &[(&str, Medium)] = &[
    ("push*", "push"), ("edm", "email"), ("email*", "email"), ("mail*", "email"),
    ("newsletter*", "email"), ("sms", "sms"), ("mms", "sms"), ("message*", "message"),
    ("msg", "message"), ("whatsapp", "whatsapp"), ("inapp", "inapp"),
    ("notification*", "notification"), ("notif", "notification"), ("campaign*", "campaign"),
    ("推送", "push"), ("短信", "sms"), ("邮件", "email"), ("消息", "message"),
    ("通知", "notification"), ("群发", "message"), ("外呼", "call"),
];
#[rustfmt::skip]
const SENT: &[&str] = &[
    "sent", "send*", "deliver*", "receiv*", "dispatch*", "issue*", "grant*", "assign*",
    "distribut*", "target*", "impression*", "show*", "display*", "发送", "下发", "送达", "发放",
    "发券", "收到",
];
#[rustfmt::skip]
const ANSWERED: &[&str] = &[
    "open*", "click*", "read", "tap*", "repl*", "respon*", "view*", "visit*", "打开", "点击",
    "阅读", "回复", "点开",
];
const COUPON: &[&str] =
    &["coupon*", "voucher*", "promo", "promocode*", "优惠券", "领券", "用券", "红包", "核销", "券"];
const SHARE: &[&str] =
    &["share*", "sharing", "forward*", "refer*", "invit*", "分享", "转发", "邀请", "拼团邀请"];
#[rustfmt::skip]
const BEGUN: &[&str] = &[
    "begin*", "began", "start*", "init*", "enter*", "proceed*", "view*", "click*", "page*", "开始",
    "进入",
];
const DONE: &[&str] = &["complete*", "success*", "done", "finish*", "placed", "成功", "完成"];
const CHECKOUT: &[&str] =
    &["checkout*", "shipping", "billing", "结算", "提交订单", "填写订单", "确认订单"];
#[rustfmt::skip]
const ORDER: &[&str] = &[
    "order*", "purchas*", "buy", "buys", "bought", "transaction*", "payment*", "paid", "pay",
    "sale", "sales", "sold", "conversion*", "donat*", "booking*", "booked", "txn", "下单", "购买",
    "支付", "付款", "成交", "买单", "订单",
];
/// Beside a word for an order these say that none was made.
#[rustfmt::skip]
const NO_ORDER: &[&str] = &[
    "view*", "click*", "detail*", "begin*", "began", "start*", "init*", "info", "method*", "choice",
    "fail*", "error*", "pending", "list", "history", "track*", "ship*", "deliver*", "fulfil*",
    "page*", "abandon*", "cart", "remind*", "update*", "option*", "select*", "intent", "try",
    "tried", "attempt*", "status", "declin*", "reject*", "查看", "详情", "失败", "待", "未", "物流",
    "评价", "页",
];
#[rustfmt::skip]
const CART: &[&str] = &[
    "cart*", "addtocart", "addcart", "tocart", "atc", "basket*", "bag", "trolley", "加购", "购物车",
    "加车",
];
const REMOVED: &[&str] = &["remov*", "delet*", "clear*", "empty*", "移除", "删除", "移出"];
#[rustfmt::skip]
const VIEW: &[&str] = &[
    "view*", "pv", "page*", "pageview*", "pdp", "brows*", "visit*", "screen*", "detail*",
    "impression*", "look*", "seen", "product*", "catalog*", "home*", "浏览", "访问", "查看", "曝光",
    "详情",
];
const CLICK: &[&str] = &["click*", "tap*", "点击"];
#[rustfmt::skip]
const OTHER: &[&str] = &[
    "fav*", "wish*", "like*", "collect*", "bookmark*", "save*", "follow*", "search*", "login",
    "logon", "logout", "signin", "signup", "sign*", "regist*", "subscri*", "session*", "install*",
    "launch*", "review*", "rate*", "rating*", "comment*", "play*", "download*", "scroll*",
    "filter*", "sort*", "open*", "close*", "start*", "quiz*", "lead*", "submit*", "engagement*",
    "contact*", "add*", "remov*", "redeem*", "收藏", "喜欢", "关注", "搜索", "登录", "注册", "签到",
    "评论", "评价", "启动", "安装", "客服",
];

/// The part that an event of this name plays; `None` where the name is unknown.
pub(super) fn role_of(value: &str) -> Option<Role> {
    let text = Text { words: words_of(value), lower: value.to_lowercase() };
    let has = |list: &[&str]| list.iter().any(|word| text.has(word));
    if has(NEGATIVE) {
        return Some(Role::Negative);
    }
    if let Some((_, medium)) = MEDIA.iter().find(|(word, _)| text.has(word)) {
        return Some(message_role(medium, &text));
    }
    if has(COUPON) {
        return Some(if has(SENT) && !text.has("receiv*") && !text.has("收到") {
            Role::Outbound("coupon")
        } else {
            Role::Coupon
        });
    }
    if has(SHARE) {
        return Some(Role::Share);
    }
    if has(CART) && !text.has("checkout*") {
        return Some(if has(REMOVED) { Role::Other } else { Role::Cart });
    }
    if has(CHECKOUT) && !(has(ORDER) && has(DONE)) {
        return Some(if has(DONE) && text.has("checkout*") && !has(BEGUN) {
            Role::Order
        } else {
            Role::Checkout
        });
    }
    if has(ORDER) {
        return Some(if has(NO_ORDER) { Role::Other } else { Role::Order });
    }
    // "Product Searched" is a search.
    let is_other = has(OTHER);
    let looks = [(CLICK, Role::Click), (VIEW, Role::View)];
    let look = looks.into_iter().find(|(list, _)| has(list)).map(|(_, role)| role);
    match look {
        Some(Role::View) if is_other && !text.has("view*") && !text.has("page*") => {
            Some(Role::Other)
        }
        None if is_other => Some(Role::Other),
        look => look,
    }
}

fn message_role(medium: Medium, text: &Text) -> Role {
    let has = |list: &[&str]| list.iter().any(|word| text.has(word));
    let is_bare = text.words.iter().all(|word| MEDIA.iter().any(|(media, _)| matches(word, media)));

    if has(ANSWERED) {
        Role::Response(medium)
    } else if has(SENT) || is_bare && medium != "message" {
        Role::Outbound(medium)
    } else {
        Role::Other
    }
}

/// How plain a name for an order is: the smaller, the plainer.
pub(super) fn order_rank(value: &str) -> usize {
    const PLAIN: [&str; 18] = [
        "order",
        "purchase",
        "buy",
        "transaction",
        "order placed",
        "placed order",
        "order completed",
        "payment done",
        "order paid",
        "payment",
        "paid",
        "checkout complete",
        "支付成功",
        "支付",
        "付款",
        "购买",
        "下单",
        "checkout completed",
    ];
    let key = words_of(value).join(" ");
    PLAIN.iter().position(|word| key == *word).unwrap_or(PLAIN.len())
}

/// How well a view shows a product and not any page: the smaller, the better.
pub(super) fn view_rank(value: &str) -> usize {
    let key = words_of(value).join(" ");
    let has = |list: &[&str]| list.iter().any(|word| key.contains(word));
    match key.as_str() {
        "view" | "pv" | "view item" | "product view" | "item view" | "viewed product"
        | "product viewed" => 0,
        _ if has(&["list", "promotion", "cart", "列表"]) => 3,
        _ if has(&["product", "item", "goods", "detail", "商品", "详情"])
            && key.contains("view") =>
        {
            1
        }
        _ if has(&["view", "浏览", "商品"]) => 1,
        _ => 2,
    }
}

struct Text {
    words: Vec<String>,
    lower: String,
}

impl Text {
    /// True where a word of the text is `word`, or begins with it when it ends
    /// in `*`; Chinese has no spaces, so that a part will do.
    fn has(&self, word: &str) -> bool {
        if !word.is_ascii() {
            return self.lower.contains(word);
        }
        self.words.iter().any(|other| matches(other, word))
            || self.words.windows(2).any(|pair| matches(&pair.concat(), word.trim_end_matches('*')))
    }
}

fn matches(word: &str, wanted: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(start) => word.starts_with(start),
        None => word == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_many_shops_play_their_parts() {
        use Role::*;
        for (role, values) in [
            (
                Order,
                "order;purchase;buy;Order Completed;Placed Order;Ordered Product;payment_done;\
                 checkout_complete;order_paid;支付成功;下单;购买;transaction;order created",
            ),
            (Cart, "cart;add_to_cart;addToCart;Product Added to Cart;加购;加入购物车;basket_add"),
            (View, "view;pv;product_view;view_item;Viewed Product;Product Viewed;page_view;浏览"),
            (Click, "click;点击;item_click"),
            (Share, "share;forward;分享;invite_friend;Referred Friend"),
            (Coupon, "coupon_used;coupon_redeem;领券;Coupon Received;用券;优惠券核销"),
            (Checkout, "begin_checkout;Checkout Started;checkout;去结算"),
            (Outbound("push"), "push_sent;push;Push Notification Sent;推送"),
            (Outbound("email"), "email_sent;Received Email;email;email_delivered;newsletter_sent"),
            (Outbound("sms"), "sms_sent;短信发送"),
            (Outbound("coupon"), "coupon_sent;coupon_issued;发放优惠券"),
            (Response("push"), "push_open;push_clicked;推送点击"),
            (Response("email"), "Opened Email;Clicked Email;email_click"),
            (
                Negative,
                "refund;order_cancelled;unsubscribed;Unsubscribed from Email;退款;退订;uninstall;\
                 Bounced Email;returned;cancel_order",
            ),
            (
                Other,
                "search;order_viewed;remove_from_cart;login;sign_up;收藏;payment_failed;\
                 Fulfilled Order;review;fav;Products Searched;email_subscribe;session_start",
            ),
        ] {
            for value in values.split(';') {
                assert_eq!(role_of(value), Some(role), "{value}");
            }
        }
        for value in ["web", "app", "red", "Germany", "女装", "A17", "visa"] {
            assert_eq!(role_of(value), None, "{value}");
        }
    }

    #[test]
    fn plain_names_come_first() {
        assert!(order_rank("Placed Order") < order_rank("Ordered Product"));
        assert!(order_rank("购买") < order_rank("下单商品"));
        assert!(view_rank("product_view") < view_rank("page"));
        assert!(view_rank("view_item") < view_rank("view_item_list"));
    }
}
