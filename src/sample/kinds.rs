/// How users of one kind behave; rates are per day unless named otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kind {
    /// Name in the truth file.
    pub name: &'static str,
    /// Share of the users.
    pub share: f64,
    /// Chance of a visit.
    pub visit: f64,
    /// Mean number of views in a visit.
    pub views: f64,
    /// Chance that a view is put into the cart.
    pub cart: f64,
    /// Chance of an order in a visit.
    pub order: f64,
    /// Chance of sharing in a visit.
    pub share_event: f64,
    /// Chance to open a message.
    pub open: f64,
    /// Mean lines of an order beyond the first.
    pub extra_lines: f64,
    /// Price level, 1 being ordinary.
    pub price: f64,
    /// Chance that an order is discounted.
    pub discount: f64,
    /// How much more is ordered in sales (June, November); 0 not at all.
    pub sales: f64,
    /// How much more is ordered before gift days; 0 not at all.
    pub gifts: f64,
    /// Chance to leave for good at full engagement; grows as engagement falls.
    pub leave: f64,
    /// Chance to leave right after an order.
    pub leave_after_order: f64,
    /// Preferred channel, as an index into `CHANNELS`, and how strongly (0–1).
    pub channel: (usize, f64),
    /// Preferred category, as an index into `CATEGORIES`, and how strongly.
    pub category: (usize, f64),
}

/// Where things happen.
pub(super) const CHANNELS: [&str; 6] = ["app", "mini_program", "tmall", "douyin", "store", "wecom"];

/// Where nothing is viewed.
pub(super) const STORE: usize = 4;

/// The channel of all messages.
pub(super) const WECOM: usize = 5;

/// What is sold, with the ordinary price of an item.
pub(super) const CATEGORIES: [(&str, f64); 8] = [
    ("skincare", 120.0),
    ("makeup", 90.0),
    ("snacks", 25.0),
    ("tea", 60.0),
    ("baby", 110.0),
    ("home", 75.0),
    ("apparel", 150.0),
    ("gifts", 180.0),
];

/// Items in each category.
pub(super) const N_ITEMS: usize = 60;

/// What a kind is like where nothing else is said.
pub(super) const ORDINARY: Kind = Kind {
    name: "",
    share: 0.0,
    visit: 0.08,
    views: 1.0,
    cart: 0.10,
    order: 0.20,
    share_event: 0.01,
    open: 0.25,
    extra_lines: 0.4,
    price: 1.0,
    discount: 0.25,
    sales: 0.5,
    gifts: 0.3,
    leave: 0.0008,
    leave_after_order: 0.01,
    channel: (0, 0.4),
    category: (0, 0.2),
};

/// The ten planted kinds.
pub const KINDS: [Kind; 10] = [
    // Comes often, spends much, seldom leaves.
    Kind {
        name: "high_value_regular",
        share: 0.08,
        visit: 0.16,
        order: 0.40,
        extra_lines: 1.2,
        price: 1.8,
        discount: 0.10,
        leave: 0.0004,
        category: (0, 0.4),
        ..ORDINARY
    },
    // Small baskets of everyday goods, at a steady pace.
    Kind {
        name: "everyday_regular",
        share: 0.16,
        visit: 0.13,
        order: 0.40,
        price: 0.6,
        category: (2, 0.5),
        channel: (1, 0.6),
        ..ORDINARY
    },
    // Looks around all year, buys in sales, on discount.
    Kind {
        name: "price_sensitive",
        share: 0.13,
        visit: 0.09,
        views: 1.6,
        cart: 0.25,
        order: 0.10,
        discount: 0.90,
        sales: 5.0,
        price: 0.8,
        channel: (2, 0.6),
        ..ORDINARY
    },
    // Shares a great deal and brings others.
    Kind {
        name: "sharer",
        share: 0.06,
        visit: 0.15,
        order: 0.15,
        share_event: 0.45,
        open: 0.55,
        channel: (3, 0.5),
        category: (1, 0.4),
        ..ORDINARY
    },
    // Reads everything, views at length, has hardly bought: silent but promising.
    Kind {
        name: "silent_promising",
        share: 0.12,
        visit: 0.12,
        views: 2.0,
        cart: 0.12,
        order: 0.02,
        open: 0.70,
        price: 1.5,
        sales: 0.2,
        ..ORDINARY
    },
    // Buys before gift days, several things at once.
    Kind {
        name: "gift_buyer",
        share: 0.09,
        visit: 0.02,
        order: 0.25,
        extra_lines: 1.5,
        price: 1.2,
        sales: 0.0,
        gifts: 9.0,
        category: (7, 0.75),
        ..ORDINARY
    },
    // Comes once, buys once, does not come back.
    Kind {
        name: "one_off",
        share: 0.14,
        visit: 0.08,
        order: 0.35,
        open: 0.08,
        leave: 0.01,
        leave_after_order: 0.85,
        ..ORDINARY
    },
    // Buys at the shop; little to see online.
    Kind {
        name: "store_loyal",
        share: 0.08,
        visit: 0.06,
        views: 0.0,
        order: 0.75,
        open: 0.15,
        price: 1.1,
        channel: (4, 0.92),
        category: (3, 0.4),
        ..ORDINARY
    },
    // Views and fills carts, buys next to nothing.
    Kind {
        name: "window_shopper",
        share: 0.08,
        visit: 0.10,
        views: 1.6,
        cart: 0.35,
        order: 0.006,
        open: 0.12,
        channel: (3, 0.4),
        category: (6, 0.4),
        ..ORDINARY
    },
    // Once regular, losing interest.
    Kind {
        name: "fading",
        share: 0.06,
        visit: 0.14,
        order: 0.30,
        open: 0.20,
        leave: 0.003,
        leave_after_order: 0.05,
        category: (4, 0.4),
        ..ORDINARY
    },
];
