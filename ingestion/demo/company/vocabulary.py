"""Words of the demo company: names, places, goods, sentences.

All invented; mail addresses end in the reserved ``.test``.
"""

from __future__ import annotations

COMPANY = "Lipa & Len"
SHOP_HOST = "shop.lipa-len.test"
STAFF_DOMAIN = "lipa-len.test"
MAIL_DOMAINS = ("poczta.test", "mail.test", "skrzynka.test", "post.test")
MAIL_WEIGHTS = (44, 30, 16, 10)

COUNTRIES = ("PL", "DE", "CZ", "AT", "LT", "NL")
COUNTRY_WEIGHTS = (745, 140, 45, 30, 25, 15)
COUNTRY_NAMES = {
    "PL": "Poland", "DE": "Germany", "CZ": "Czechia", "AT": "Austria", "LT": "Lithuania", "NL": "Netherlands",
}  # fmt: skip
DIAL = {"PL": "+48", "DE": "+49", "CZ": "+420", "AT": "+43", "LT": "+370", "NL": "+31"}
# First number of a mobile range per country; person i gets the base plus a multiple of i, so numbers never repeat.
MOBILE_BASE = {
    "PL": 501_000_003, "DE": 15_110_000_011, "CZ": 602_000_007, "AT": 6_641_000_009, "LT": 61_200_007,
    "NL": 612_000_005,
}  # fmt: skip
CITIES = {
    "PL": (
        "Warszawa", "Kraków", "Łódź", "Wrocław", "Poznań", "Gdańsk", "Szczecin", "Bydgoszcz", "Lublin", "Rzeszów",
    ),
    "DE": ("Berlin", "Hamburg", "München", "Köln", "Leipzig"),
    "CZ": ("Praha", "Brno", "Ostrava"),
    "AT": ("Wien", "Graz", "Linz"),
    "LT": ("Vilnius", "Kaunas"),
    "NL": ("Amsterdam", "Utrecht"),
}  # fmt: skip
LANGUAGES = ("pl", "de", "en")

FIRST_NAMES = {
    "pl": (
        "Anna", "Piotr", "Maria", "Krzysztof", "Katarzyna", "Andrzej", "Małgorzata", "Tomasz", "Agnieszka", "Paweł",
        "Ewa", "Michał", "Joanna", "Marcin", "Magdalena", "Jakub", "Monika", "Adam", "Zofia", "Łukasz", "Hanna",
        "Wojciech", "Aleksandra", "Grzegorz", "Natalia", "Mateusz", "Barbara", "Rafał", "Dorota", "Szymon",
    ),
    "de": (
        "Lena", "Jonas", "Mia", "Lukas", "Emma", "Felix", "Hannah", "Paul", "Sophie", "Max", "Jürgen", "Käthe",
        "Greta", "Moritz", "Ursula", "Stefan",
    ),
    "en": (
        "Alice", "Daniel", "Sara", "Thomas", "Eva", "Martin", "Julia", "Peter", "Nora", "Lucas", "Ella", "David",
        "Laura", "Simon", "Ieva", "Jonas",
    ),
}  # fmt: skip
LAST_NAMES = {
    "pl": (
        "Nowak", "Kowalski", "Wiśniewski", "Wójcik", "Kowalczyk", "Kamiński", "Lewandowski", "Zieliński", "Szymański",
        "Woźniak", "Dąbrowski", "Kozłowski", "Mazur", "Jankowski", "Kwiatkowski", "Krawczyk", "Piotrowski",
        "Grabowski", "Pawłowski", "Michalak", "Król", "Wieczorek", "Jabłoński", "Wróbel", "Stępień", "Górski",
        "Sikora", "Baran", "Duda", "Szewczyk",
    ),
    "de": (
        "Müller", "Schmidt", "Weber", "Fischer", "Becker", "Hoffmann", "Schäfer", "Koch", "Richter", "Klein", "Wolf",
        "Neumann", "Schwarz", "Krüger", "Lange", "Vogel",
    ),
    "en": (
        "Novak", "Jansen", "Smit", "Berg", "Hansen", "Moore", "Clark", "Dvorak", "Petrov", "Larsen", "Visser",
        "Bennett", "Adams", "Kazlauskas", "Gruber", "Svoboda",
    ),
}  # fmt: skip
ASCII = str.maketrans("ąćęłńóśźżäöüßéČČĄĆĘŁŃÓŚŹŻÄÖÜ", "acelnoszzaouseCCACELNOSZZAOU")

# slug, name, lowest and highest price in cents, articles
CATEGORIES = (
    (
        "bedding",
        "Bedding",
        2_990,
        17_900,
        ("Linen duvet cover", "Cotton sheet", "Pillowcase", "Quilt", "Throw"),
    ),
    ("bath", "Bath", 990, 6_990, ("Bath towel", "Bath mat", "Bathrobe", "Hand towel")),
    ("kitchen", "Kitchen", 790, 8_990, ("Tea towel", "Apron", "Tablecloth", "Table runner", "Napkins")),
    ("curtains", "Curtains", 3_490, 15_900, ("Linen curtain", "Blackout curtain", "Roman blind")),
    ("living", "Living room", 1_490, 24_900, ("Cushion", "Wool rug", "Plaid", "Floor lamp", "Basket")),
    ("kids", "Kids", 1_290, 7_990, ("Baby blanket", "Kids bedding", "Soft toy")),
)
COLOURS = ("natural", "white", "sage", "ochre", "grey", "navy")

# source, medium, kind of campaign, weight
TRAFFIC = (
    ("google", "organic", "", 30),
    ("(direct)", "(none)", "", 23),
    ("google", "cpc", "season", 17),
    ("newsletter", "email", "season", 10),
    ("facebook", "paid_social", "season", 8),
    ("instagram", "social", "", 5),
    ("porownywarka.test", "referral", "", 5),
    ("bing", "organic", "", 2),
)
SEASONS = {9: "autumn", 10: "autumn", 11: "black_friday", 12: "christmas", 1: "winter_sale", 2: "winter_sale"}

# category, operating system, browser, weight
DEVICES = (
    ("mobile", "Android", "Chrome", 370),
    ("mobile", "iOS", "Safari", 210),
    ("mobile", "Android", "Samsung Internet", 30),
    ("desktop", "Windows", "Chrome", 200),
    ("desktop", "Windows", "Edge", 60),
    ("desktop", "Windows", "Firefox", 30),
    ("desktop", "Macintosh", "Safari", 45),
    ("tablet", "iOS", "Safari", 30),
    ("tablet", "Android", "Chrome", 25),
)
BOT_BROWSER = "HeadlessChrome"

STORES = (
    ("WAW1", "Warszawa Centrum", 40),
    ("KRK1", "Kraków Kazimierz", 28),
    ("WRO1", "Wrocław Rynek", 20),
    ("WAWL", "Warszawa Lotnisko", 12),
)
AIRPORT = 3
"""Index of the shop at the airport: open round the clock, its business day ends at 03:00."""

SEARCHES = (
    "linen",
    "bedding",
    "towel",
    "obrus",
    "zasłony",
    "koc",
    "bettwäsche",
    "gift",
    "pościel lniana",
    "rug",
)
BLOG = ("care-for-linen", "autumn-colours", "gift-guide", "small-bedroom", "set-the-table")
HELP = ("delivery", "returns", "payment", "sizes")

# reason -> subject and opening words by language
TICKET_TOPICS: dict[str, dict[str, tuple[str, str]]] = {
    "delivery": {
        "pl": ("Gdzie jest moja paczka?", "Zamówienie miało dojść wczoraj, a kurier się nie pojawił."),
        "de": ("Wo ist mein Paket?", "Die Bestellung sollte gestern kommen, aber nichts ist da."),
        "en": ("Where is my parcel?", "The order should have arrived yesterday and tracking shows nothing."),
    },
    "return": {
        "pl": ("Zwrot towaru", "Chcę zwrócić poszewkę, kolor jest inny niż na zdjęciu."),
        "de": ("Rücksendung", "Ich möchte den Bezug zurückgeben, die Farbe stimmt nicht."),
        "en": ("Return of goods", "I would like to return the cover, the colour differs from the photo."),
    },
    "payment": {
        "pl": ("Problem z płatnością", "Płatność przeszła dwa razy, proszę o sprawdzenie."),
        "de": ("Problem mit der Zahlung", "Die Zahlung wurde zweimal abgebucht."),
        "en": ("Payment problem", "I was charged twice, please check."),
    },
    "product": {
        "pl": ("Pytanie o produkt", "Czy ten obrus można prać w 60 stopniach?"),
        "de": ("Frage zum Produkt", "Kann man diese Tischdecke bei 60 Grad waschen?"),
        "en": ("Question about a product", "Can this tablecloth be washed at 60 degrees?"),
    },
    "account": {
        "pl": ("Nie mogę się zalogować", "Strona odrzuca moje hasło od wczoraj."),
        "de": ("Anmeldung geht nicht", "Die Seite nimmt mein Passwort nicht mehr an."),
        "en": ("Cannot log in", "The site has refused my password since yesterday."),
    },
    "complaint": {
        "pl": ("Reklamacja", "Szew puścił po pierwszym praniu."),
        "de": ("Reklamation", "Die Naht ist nach der ersten Wäsche aufgegangen."),
        "en": ("Complaint", "The seam came apart after the first wash."),
    },
}
TOPIC_WEIGHTS = {"delivery": 34, "return": 20, "payment": 10, "product": 16, "account": 8, "complaint": 12}
AGENT_REPLY = {
    "pl": "Dzień dobry, dziękujemy za wiadomość. Sprawdzamy sprawę i wracamy z odpowiedzią.",
    "de": "Guten Tag, danke für Ihre Nachricht. Wir prüfen das und melden uns.",
    "en": "Hello, thank you for writing. We are looking into it and will come back to you.",
}
AGENT_SOLUTION = {
    "pl": "Sprawa została załatwiona. W razie pytań jesteśmy do dyspozycji.",
    "de": "Die Sache ist erledigt. Bei Fragen sind wir gern da.",
    "en": "This is settled now. Do write if anything is unclear.",
}
CUSTOMER_REPLY = {
    "pl": "Dziękuję, przesyłam brakujące dane.",
    "de": "Danke, hier sind die fehlenden Angaben.",
    "en": "Thank you, here are the missing details.",
}
CUSTOMER_BACK = {
    "pl": "Niestety problem wrócił.",
    "de": "Leider ist das Problem wieder da.",
    "en": "Unfortunately the problem is back.",
}
INTERNAL_NOTE = "Checked with the warehouse, parcel number confirmed."

PRAISE = {
    "pl": ("Świetna jakość i szybka dostawa.", "Bardzo miła obsługa, polecam!", "Wszystko jak trzeba 👍"),
    "de": ("Tolle Qualität, schnelle Lieferung.", "Sehr freundlich, gerne wieder!", "Alles bestens."),
    "en": ("Lovely quality and quick delivery.", "Very kind staff, would buy again!", "All good, thanks."),
}
NEUTRAL = {
    "pl": ("W porządku, bez zachwytu.", "Dostawa mogła być szybsza.", "Cena trochę wysoka."),
    "de": ("In Ordnung.", "Die Lieferung könnte schneller sein.", "Etwas teuer."),
    "en": ("Fine, nothing special.", "Delivery could be faster.", "A bit pricey."),
}
BLAME = {
    "pl": ("Paczka przyszła uszkodzona.", "Nikt nie odpowiada na maile.", "Kasa na telefonie nie działa!"),
    "de": (
        "Das Paket kam beschädigt an.",
        "Niemand antwortet auf E-Mails.",
        "Kasse auf dem Handy geht nicht!",
    ),
    "en": ("The parcel arrived damaged.", "Nobody answers my mails.", "Checkout on my phone is broken!"),
}
REASONS = ("price", "quality", "delivery", "service", "website", "returns")
