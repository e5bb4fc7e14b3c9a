//! Tables whose rows are orders, or lines of them.

use super::{N_USERS, Row, has_order_ids, is_all_orders, is_whole_shop, read, rows, table};

/// Name of the file, header, and what is written of each row.
type OrderTable = (&'static str, &'static str, fn(&Row) -> String);

/// Tables of all order lines, each with an id of the order.
const WITH_ORDER_IDS: &[OrderTable] = &[
    ("erp.csv", "ts,cust,basket_id,sku,amount", |it| {
        format!(
            "{},C{},B{},{},{}",
            it.time("%Y-%m-%d %H:%M:%S"),
            it.user,
            it.order,
            it.item,
            it.amount()
        )
    }),
    // The total stands on the first line only, the status as well.
    (
        "orders_export_1.csv",
        "Name,Email,Financial Status,Paid at,Subtotal,Shipping,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku",
        |it| {
            let at = it.time("%Y-%m-%d %H:%M:%S -0300");
            let of_order = if it.is_first_line() {
                ("paid", at.clone(), it.total())
            } else {
                Default::default()
            };
            let (status, paid, total) = of_order;
            format!(
                "#{},u{}@shop.example,{status},{paid},{total},,{total},{at},{},Thing {},{},S-{}",
                it.order,
                it.user,
                it.quantity,
                it.item,
                it.price(),
                it.item
            )
        },
    ),
    // The total is repeated on each line.
    (
        "woo.csv",
        "Order ID,Order Date,Order Status,Customer User ID,Billing First Name,Billing Email,Order Total Amount,SKU,Item Name,Quantity,Item Cost",
        |it| {
            format!(
                "{},{},wc-completed,{},Jo,u{}@x.example,{},S{},Thing {},{},{}",
                it.order,
                it.time("%Y-%m-%d %H:%M"),
                100 + it.user,
                it.user,
                it.total(),
                it.item,
                it.item,
                it.quantity,
                it.price()
            )
        },
    ),
    (
        "magento.csv",
        "increment_id,created_at,updated_at,customer_email,status,grand_total,sku,qty_ordered,price",
        |it| {
            let at = it.time("%Y-%m-%d %H:%M:%S");
            format!(
                "1000{},{at},2025-02-01 00:00:00,u{}@x.example,complete,{},S{},{}.0000,{}00",
                it.order,
                it.user,
                it.total(),
                it.item,
                it.quantity,
                it.price()
            )
        },
    ),
    (
        "有赞订单.csv",
        "订单号,订单状态,买家手机号,下单时间,商品名称,商品单价,商品数量,订单实付金额",
        |it| {
            format!(
                "E{},交易完成,139{:08},{},商品{},{},{},{}",
                it.order,
                it.user,
                it.time("%Y-%m-%d %H:%M:%S"),
                it.item,
                it.price(),
                it.quantity,
                it.total()
            )
        },
    ),
    (
        "ExportOrderList.csv",
        "订单编号,买家会员名,买家应付货款,买家应付邮费,买家实际支付金额,订单状态,订单创建时间,订单付款时间,宝贝标题",
        |it| {
            format!(
                "=\"{}\",tb_{},{},0.00,{},交易成功,{},{},宝贝{}",
                77_000_000_000_u64 + it.order,
                it.user,
                it.amount(),
                it.amount(),
                it.time("%Y/%m/%d %H:%M:%S"),
                it.time("%Y/%m/%d %H:%M:%S"),
                it.item
            )
        },
    ),
    (
        "jd.csv",
        "订单号,商品ID,商品名称,订购数量,京东价,下单时间,结算金额,下单帐号",
        |it| {
            format!(
                "{},{},品{},{},{},{},{},jd_{}",
                28_000 + it.order,
                it.item,
                it.item,
                it.quantity,
                it.price(),
                it.time("%Y-%m-%d %H:%M:%S"),
                it.amount(),
                it.user
            )
        },
    ),
    ("umsatz.csv", "Kundennummer;Bestelldatum;Bestellnummer;Artikel;Menge;Betrag", |it| {
        format!(
            "{};{};{};A{};{};{} €",
            5_000 + it.user,
            it.time("%d.%m.%Y"),
            it.order,
            it.item,
            it.quantity,
            it.amount().replace('.', ",")
        )
    }),
    ("pos.txt", "member_no|receipt_no|trans_date|article|units|line_total", |it| {
        format!(
            "{:05}|R{}|{}|{}|{}|{}",
            it.user,
            it.order,
            it.time("%m/%d/%Y %I:%M:%S %p"),
            it.item,
            it.quantity,
            it.amount()
        )
    }),
    ("tickets.tsv", "HouseholdKey\tBasketID\tDay\tProductID\tSalesValue", |it| {
        format!(
            "{}\t{}\t{}\t{}\t{}",
            7 + it.user,
            9_000 + it.order,
            it.time("%Y%m%d"),
            it.item,
            it.amount()
        )
    }),
    // No name says anything but that of no one.
    ("dump.csv", "c1,c2,c3,c4", |it| {
        format!("K{:04},{},T{},{}", it.user, it.time("%Y-%m-%d %H:%M:%S"), it.order, it.amount())
    }),
];

/// Tables without one: each row is an order.
const WITHOUT_ORDER_IDS: &[OrderTable] = &[
    ("gifts.csv", "cust_no,when,euros", |it| {
        format!("{:05},{},{}", it.user, it.time("%d/%m/%Y"), it.amount())
    }),
    ("usr.csv", "usr;at;spend", |it| {
        format!("{}.0;{};{}", 17_000 + it.user, it.time("%Y-%m-%dT%H:%M:%SZ"), it.amount())
    }),
    ("millis.csv", "buyerId,purchasedAt,revenue", |it| {
        format!("b{},{},{}", it.user, it.at.and_utc().timestamp_millis(), it.amount())
    }),
    ("short_years.csv", "client,date,amount", |it| {
        format!("c{},{},{}", it.user, it.time("%d-%b-%y"), it.amount())
    }),
    ("numbers_as_days.csv", "memberid,day,gmv", |it| {
        format!("{},{},{}", it.user + 10, it.time("%Y年%m月%d日"), it.amount())
    }),
    ("mixed.csv", "user,date,amount", |it| {
        let format = if it.n.is_multiple_of(3) { "%Y/%m/%d %H:%M" } else { "%Y-%m-%d" };
        format!("{},{},{}", it.user, it.time(format), it.amount())
    }),
    ("clock_apart.csv", "card_no,date,time,amount", |it| {
        format!("{},{},{},{}", it.user, it.time("%Y-%m-%d"), it.time("%H:%M"), it.amount())
    }),
    ("discounted.csv", "customer_id,order_date,unit_price,quantity,discount", |it| {
        format!("{},{},{},{},0", it.user, it.time("%Y-%m-%d"), it.price(), it.quantity)
    }),
    ("nulls.csv", "user_id,created_at,signup_date,amount", |it| {
        format!(
            "{},{},2023-0{}-11,{}",
            it.user,
            it.time("%Y-%m-%d %H:%M:%S"),
            1 + it.user % 9,
            it.amount()
        )
    }),
    ("costumer.csv", "costumer_nr,order_dt,ship_dt,amount", |it| {
        format!("{},{},2025-01-01,{}", it.user, it.time("%Y-%m-%d"), it.amount())
    }),
    ("多列.csv", "会员编号,会员等级,日期,消费金额", |it| {
        format!("V{:06},金卡,{},{}", it.user, it.time("%Y-%m-%d"), it.amount())
    }),
];

#[test]
fn lines_of_orders_as_shops_export_them() {
    for (file, header, write) in WITH_ORDER_IDS {
        let read = read(&[(file, &table(header, write))]);
        is_all_orders(&read);
        has_order_ids(&read);
        read.says_nothing_of(&["\"?\""]);
    }
}

#[test]
fn orders_without_an_id() {
    for (file, header, write) in WITHOUT_ORDER_IDS {
        is_all_orders(&read(&[(file, &table(header, write))]));
    }
}

#[test]
fn orders_that_were_not_paid_do_not_count() {
    for (status, void) in [
        ("Financial Status", ["paid", "refunded", "pending"]),
        ("订单状态", ["交易成功", "交易关闭", "等待买家付款"]),
    ] {
        let status_of = |row: &Row| {
            if row.order.is_multiple_of(7) { void[1 + (row.order % 2) as usize] } else { void[0] }
        };
        let text = table(&format!("order id,customer id,date,{status},amount"), |it| {
            format!(
                "{},{},{},{},{}",
                it.order,
                it.user,
                it.time("%Y-%m-%d"),
                status_of(it),
                it.amount()
            )
        });
        let read = read(&[("orders.csv", &text)]);
        let paid: u64 =
            rows().iter().filter(|it| status_of(it) == void[0]).map(Row::amount_cents).sum();
        assert_eq!(read.gmv_cents, paid, "{}", read.config);
        read.says(&["are orders that do not count by their status"]);
    }
}

#[test]
fn rows_of_nobody_and_without_a_sale_are_filtered() {
    let text = table("user_id,date,unit_price,qty", |it| {
        let user = match it.n % 10 {
            3 => "guest".to_owned(),
            4 => String::new(),
            _ => format!("u{}", it.user),
        };
        let quantity = if it.n % 10 == 5 { -1 } else { it.quantity as i64 };
        format!("{user},{},{},{quantity}", it.time("%Y-%m-%d"), it.price())
    });
    let read = read(&[("sales.csv", &text)]);
    assert_eq!((read.n_users, read.n_rejected), (N_USERS, 0), "{}", read.config);
    let kept = |it: &&Row| !(3..=5).contains(&(it.n % 10));
    let gmv: u64 = rows().iter().filter(kept).map(Row::amount_cents).sum();
    assert_eq!(read.gmv_cents, gmv, "{}", read.config);
}

#[test]
fn discounts_may_be_money_or_a_share_or_negative() {
    let base =
        |it: &Row| format!("{},{},{},{}", it.user, it.time("%Y-%m-%d"), it.price(), it.quantity);
    let header = "customer_id,order_date,unit_price,quantity,discount";
    let gmv: u64 = rows().iter().map(Row::amount_cents).sum();
    let n = rows().len() as u64;
    for (written, taken_off) in [("0.5", gmv / 2), ("1.00", 100 * n), ("-1.00", 100 * n)] {
        // A share that varies is known as one.
        let text = table(header, |it| format!("{},{written}", base(it)));
        let read = read(&[("lines.csv", &text)]);
        is_whole_shop(&read);
        let difference = read.gmv_cents.abs_diff(gmv - taken_off);
        assert!(difference <= 1, "{written}: {difference}\n{}", read.config);
    }
}

#[test]
fn day_first_or_month_first_is_said_where_it_is_open() {
    let early = |it: &Row| it.at.date().format("%d").to_string().parse::<u32>().unwrap() <= 12;
    let mut text = String::from("customer;date;amount\n");
    for row in rows().iter().filter(|it| early(it)) {
        text +=
            &format!("{};{};{}\n", row.user, row.time("%d/%m/%Y"), row.amount().replace('.', ","));
    }
    let found = read(&[("open.csv", &text)]);
    found.says(&["# CHECK: date may be day first or month first: '%d/%m/%Y' is assumed"]);
    let clear = read(&[(
        "clear.csv",
        &table("customer,date,amount", |it| {
            format!("{},{},{}", it.user, it.time("%m/%d/%Y"), it.amount())
        }),
    )]);
    clear.says(&["'%m/%d/%Y'"]);
    clear.says_nothing_of(&["CHECK"]);
}

#[test]
fn tables_that_are_no_events_are_said_to_be_none() {
    let mut customers = String::from("CustomerID,Gender,Age,TotalCharges\n");
    for user in 0..300 {
        customers += &format!("{user},f,{},{}.5\n", 20 + user % 50, user * 3);
    }
    let shop = crate::support::Shop::empty();
    shop.write("customers.csv", customers);
    let text = layercake::input::starter::starter_config(&[shop.path("customers.csv")]).unwrap();
    for part in ["table of users, one row each", "no column holds times", "time = \"?\""] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn totals_that_are_repeated_on_each_line_are_said_to_be() {
    let read = read(&[(
        "totals.csv",
        &table("order_id,user_id,date,amount", |it| {
            format!("{},{},{},{}", it.order, it.user, it.time("%Y-%m-%d"), it.total())
        }),
    )]);
    read.says(&["# CHECK: amount is the same in all lines of an order"]);
}

#[test]
fn signs_of_currencies_and_thousands_are_read_over() {
    let read = read(&[(
        "money.csv",
        &table("order_number,placed_at,customer,total_price", |it| {
            let amount = it.amount_cents() * 100;
            let whole = match amount / 100 {
                small @ ..1_000 => small.to_string(),
                large => format!("{},{:03}", large / 1_000, large % 1_000),
            };
            let at = it.time("%b %d, %Y, %I:%M %p");
            format!("{},\"{at}\",{},\"${whole}.{:02}\"", it.order, it.user, amount % 100)
        }),
    )]);
    is_whole_shop(&read);
    let gmv: u64 = rows().iter().map(Row::amount_cents).sum();
    assert_eq!(read.gmv_cents, 100 * gmv, "{}", read.config);
    read.says(&["the currency is dropped", "commas part thousands"]);
}
