//! Who lives in the demo: people with their phones, shops with their trades.

/// A person: name, phone number (she signs in with it and is found by it), handle, tier.
pub const PEOPLE: &[(&str, &str, &str, u8)] = &[
    ("王芳", "+8613800000001", "@wangfang", 3),
    ("李伟", "+8613800000002", "@liwei", 2),
    ("张敏", "+8613800000003", "@zhangmin", 2),
    ("刘洋", "+8613800000004", "@liuyang", 2),
    ("陈静", "+8613800000005", "@chenjing", 2),
    ("杨磊", "+8613800000006", "@yanglei", 2),
    ("赵丽", "+8613800000007", "@zhaoli", 2),
    ("黄强", "+8613800000008", "@huangqiang", 2),
    ("Tenzin Dolma", "+8613800000009", "@tenzin", 2),
    ("阿依古丽", "+8613800000010", "@ayguli", 2),
    ("Amara Okafor", "+8613800000011", "@amara", 2),
    ("Lucía Fernández", "+8613800000012", "@lucia", 2),
    ("Jürgen Weiß", "+8613800000013", "@juergen", 2),
    ("Nguyễn Thị Hoa", "+8613800000014", "@hoa.nguyen", 2),
    ("Fatima al-Zahra", "+8613800000015", "@fatima", 2),
    ("佐藤 健", "+8613800000016", "@sato.ken", 2),
];

/// What a shop sells for: the least and the most, minor units.
pub type Prices = (i64, i64);

/// A shop: name, category (ISO 18245), city, fee plan, settlement terms, prices, whether it sets money aside first.
pub struct Trade {
    /// Its name.
    pub name: &'static str,
    /// Its merchant category code.
    pub mcc: &'static str,
    /// Its city.
    pub city: &'static str,
    /// A key of the policy `settlement`.
    pub settlement: &'static str,
    /// What it sells for.
    pub prices: Prices,
    /// Whether it sets money aside first and takes it later.
    pub holds: bool,
}

const fn trade(name: &'static str, mcc: &'static str, city: &'static str, prices: Prices) -> Trade {
    Trade { name, mcc, city, settlement: "standard", prices, holds: false }
}

/// The shops.
pub const SHOPS: &[Trade] = &[
    trade("老成都茶馆 Old Chengdu Teahouse", "5812", "Chengdu", (1_200, 6_800)),
    trade("蜀香火锅 Shuxiang Hotpot", "5812", "Chengdu", (8_800, 42_000)),
    trade("锦里便利店 Jinli Corner Store", "5411", "Chengdu", (350, 9_900)),
    trade("交子书局 Jiaozi Books", "5942", "Chengdu", (1_900, 15_800)),
    trade("熊猫影城 Panda Cinema", "7832", "Chengdu", (3_500, 16_000)),
    trade("天府地铁 Tianfu Metro", "4111", "Chengdu", (200, 900)),
    Trade { settlement: "gross", ..trade("青城山户外 Qingcheng Outdoor", "5941", "Dujiangyan", (5_900, 88_000)) },
    Trade {
        settlement: "reserve",
        holds: true,
        ..trade("灯影酒店 Lantern Hotel", "7011", "Chengdu", (28_000, 96_000))
    },
];

/// Everybody's password.
pub const PASSWORD: &str = "jiaozi-chengdu-1024";
