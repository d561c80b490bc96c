//! Names for made-up people and places, from many parts of the world.

/// Names that go together.
#[derive(Debug)]
pub(super) struct Culture {
    pub(super) female: &'static [&'static str],
    pub(super) male: &'static [&'static str],
    pub(super) family: &'static [&'static str],
}

pub(super) static CULTURES: &[Culture] = &[
    Culture {
        female: &["Alice", "Charlotte", "Eleanor", "Grace", "Hannah", "Isla", "Molly", "Phoebe"],
        male: &["Arthur", "Edward", "Finn", "George", "Henry", "Liam", "Oliver", "Theo"],
        family: &["Baker", "Clarke", "Foster", "Hughes", "Mitchell", "O'Connor", "Palmer", "Reed", "Turner", "Walsh"],
    },
    Culture {
        female: &["Camila", "Elena", "Inés", "Lucía", "Marisol", "Paloma", "Sofía", "Ximena"],
        male: &["Andrés", "Diego", "Emilio", "Javier", "José", "Mateo", "Rafael", "Sebastián"],
        family: &[
            "Álvarez",
            "Castillo",
            "De la Cruz",
            "Fuentes",
            "Guerrero",
            "Ibáñez",
            "Muñoz",
            "Peña",
            "Ríos",
            "Vargas",
        ],
    },
    Culture {
        female: &["Aurélie", "Camille", "Chloé", "Élodie", "Inès", "Manon", "Océane", "Zoé"],
        male: &["Bastien", "Étienne", "François", "Jérôme", "Léo", "Lucas", "Noël", "Théo"],
        family: &[
            "Beaumont",
            "Chevalier",
            "Dubois",
            "Fournier",
            "Girard",
            "Lefèvre",
            "Marchand",
            "Renault",
            "Rousseau",
            "Tremblay",
        ],
    },
    Culture {
        female: &["Annika", "Astrid", "Greta", "Heike", "Ingrid", "Jördis", "Liv", "Saga"],
        male: &["Anders", "Björn", "Emil", "Jürgen", "Lars", "Matthias", "Søren", "Torsten"],
        family: &[
            "Ångström",
            "Bergström",
            "Groß",
            "Hansen",
            "Kjær",
            "Lindqvist",
            "Müller",
            "Østergaard",
            "Schäfer",
            "Vogel",
        ],
    },
    Culture {
        female: &["Agnieszka", "Danuta", "Jadwiga", "Kateřina", "Małgorzata", "Oksana", "Zofia", "Zuzana"],
        male: &["Bohdan", "Grzegorz", "Jiří", "Łukasz", "Mykola", "Paweł", "Tomáš", "Wojciech"],
        family: &[
            "Dvořák",
            "Jabłoński",
            "Kowalczyk",
            "Kučera",
            "Lewandowska",
            "Melnyk",
            "Novák",
            "Shevchenko",
            "Wiśniewski",
            "Zając",
        ],
    },
    Culture {
        female: &["Adaeze", "Amara", "Chiamaka", "Folake", "Ifeoma", "Ngozi", "Sade", "Yewande"],
        male: &["Ayodele", "Babatunde", "Chidi", "Emeka", "Kelechi", "Obinna", "Segun", "Tunde"],
        family: &["Abiola", "Adeyemi", "Balogun", "Chukwu", "Eze", "Ibekwe", "Nwosu", "Ogunleye", "Okafor", "Okoye"],
    },
    Culture {
        female: &["Abeba", "Akosua", "Amina", "Hiwot", "Makena", "Selam", "Wanjiru", "Zuri"],
        male: &["Abdi", "Dawit", "Kamau", "Kofi", "Kwame", "Otieno", "Tesfaye", "Yonas"],
        family: &["Abebe", "Agyeman", "Boateng", "Haile", "Kariuki", "Mensah", "Mwangi", "Ochieng", "Tekle", "Warsame"],
    },
    Culture {
        female: &["Aisha", "Fatima", "Hala", "Layla", "Maryam", "Noor", "Rania", "Yasmin"],
        male: &["Ahmad", "Bilal", "Hassan", "Ibrahim", "Karim", "Omar", "Tariq", "Yusuf"],
        family: &[
            "Al-Masri", "Aziz", "Darwish", "El-Sayed", "Haddad", "Khalil", "Mansour", "Nasser", "Rahman", "Zaidi",
        ],
    },
    Culture {
        female: &["Aditi", "Divya", "Kavya", "Lakshmi", "Meera", "Nandini", "Priya", "Simran"],
        male: &["Aarav", "Arjun", "Harpreet", "Ishaan", "Karthik", "Nikhil", "Rohan", "Vikram"],
        family: &["Banerjee", "Chaudhary", "Gill", "Iyer", "Kapoor", "Mehta", "Nair", "Patel", "Reddy", "Srinivasan"],
    },
    Culture {
        female: &["Hui", "Jia", "Lan", "Mei", "Qing", "Xiaoli", "Yan", "Zhen"],
        male: &["Bo", "Chen", "Feng", "Hao", "Jun", "Lei", "Ming", "Wei"],
        family: &["Chen", "Guo", "Huang", "Li", "Lü", "Ma", "Sun", "Wang", "Xu", "Zhang"],
    },
    Culture {
        female: &["Bích", "Hạnh", "Hương", "Linh", "Mai", "Ngọc", "Thảo", "Yến"],
        male: &["Bảo", "Cường", "Đạt", "Hiếu", "Khánh", "Long", "Quang", "Tuấn"],
        family: &["Bùi", "Đặng", "Đỗ", "Hồ", "Lê", "Ngô", "Nguyễn", "Phạm", "Trần", "Vũ"],
    },
    Culture {
        female: &["Akari", "Eun-ji", "Haruka", "Hye-jin", "Min-seo", "Sakura", "Soo-ah", "Yui"],
        male: &["Daichi", "Dong-hyun", "Haruto", "Ji-hoon", "Min-jun", "Ren", "Seo-jun", "Takumi"],
        family: &["Choi", "Fujimoto", "Hayashi", "Ito", "Kang", "Kim", "Nakamura", "Park", "Tanaka", "Yoon"],
    },
    Culture {
        female: &["Aroha", "Hinemoa", "Kailani", "Leilani", "Mere", "Ngaire", "Sina", "Tiare"],
        male: &["Hemi", "Ioane", "Kaleo", "Manaia", "Rangi", "Sione", "Tama", "Wiremu"],
        family: &[
            "Faleolo",
            "Kahananui",
            "Kereama",
            "Ngata",
            "Paewai",
            "Tamatea",
            "Taufa",
            "Tuiasosopo",
            "Vaipulu",
            "Whetū",
        ],
    },
    Culture {
        female: &["Ayşe", "Ceren", "Defne", "Elif", "Gülay", "Işıl", "Şirin", "Zeynep"],
        male: &["Burak", "Can", "Emre", "İlker", "Kerem", "Mert", "Oğuz", "Yiğit"],
        family: &["Aydın", "Çelik", "Demir", "Güneş", "Kılıç", "Öztürk", "Şahin", "Yıldırım", "Yılmaz", "Arslan"],
    },
    Culture {
        female: &["Beatriz", "Conceição", "Fernanda", "Iara", "Júlia", "Luana", "Mariana", "Tainá"],
        male: &["Caio", "Davi", "Gonçalo", "Henrique", "João", "Murilo", "Otávio", "Tiago"],
        family: &[
            "Almeida",
            "Azevedo",
            "Conceição",
            "Figueiredo",
            "Gonçalves",
            "Magalhães",
            "Nogueira",
            "Ribeiro",
            "Simões",
            "Teixeira",
        ],
    },
];

/// The first half of a place's name.
pub(super) static PLACES: &[&str] = &[
    "Alder", "Bright", "Cedar", "Clear", "Copper", "Fern", "Golden", "Hazel", "High", "Lake", "Maple", "Meadow",
    "North", "Oak", "Pine", "River", "Rose", "Silver", "Stone", "Willow", "Winter", "Wood",
];

/// The second half of a place's name.
pub(super) static PLACE_ENDS: &[&str] = &[
    " Bridge",
    " Brook",
    " Creek",
    " Crossing",
    "field",
    " Glen",
    " Grove",
    " Harbour",
    " Heights",
    " Hill",
    " Hollow",
    "mere",
    " Park",
    " Point",
    " Ridge",
    " Springs",
    "ton",
    " Valley",
    " View",
    "wood",
];

/// Cities of birth with their state and country, most often at home.
pub(super) static BIRTHPLACES: &[(&str, &str, &str)] = &[
    ("Portland", "OR", "US"),
    ("Sacramento", "CA", "US"),
    ("Denver", "CO", "US"),
    ("Columbus", "OH", "US"),
    ("Raleigh", "NC", "US"),
    ("San Antonio", "TX", "US"),
    ("Minneapolis", "MN", "US"),
    ("Buffalo", "NY", "US"),
    ("Oaxaca", "", "MX"),
    ("Đà Nẵng", "", "VN"),
    ("Ibadan", "", "NG"),
    ("Kraków", "", "PL"),
    ("Pune", "", "IN"),
    ("São Paulo", "", "BR"),
    ("Izmir", "", "TR"),
    ("Addis Ababa", "", "ET"),
];
