package dev.gyre.data.quickstart;

import java.util.List;

/**
 * The words of the quickstart's task. Every entry is a {@link Ways}: what training examples may
 * use, and what only held-out examples use besides. A brace pair stands for the value.
 */
final class Phrases {
    private Phrases() {}

    /** Ways to say one thing. */
    record Ways(List<String> known, List<String> heldOut) {
        static Ways of(String... known) {
            return new Ways(List.of(known), List.of());
        }

        Ways butNot(String... heldOut) {
            return new Ways(known, List.of(heldOut));
        }
    }

    /** Whole sentences that ask for a list; the brace pair is the noun phrase. */
    static final Ways FIND =
            Ways.of(
                            "Show me {}.",
                            "Show {}",
                            "List {}.",
                            "Find {}.",
                            "Find me {}",
                            "Give me {}.",
                            "I need {}.",
                            "I want to see {}.",
                            "I'd like to look at {}.",
                            "Get me {}, please.",
                            "Please look up {}.",
                            "Can you find {}?",
                            "Could you list {}?",
                            "Search for {}.",
                            "Pull up {}",
                            "Display {}.",
                            "Let me see {}.",
                            "Which are {}?",
                            "What are {}?")
                    .butNot(
                            "Bring up {}.",
                            "May I see {}?",
                            "I am looking for {}.",
                            "Fetch {}, please.",
                            "Please show {}.");

    /** Whole sentences that ask for a number. */
    static final Ways COUNT =
            Ways.of(
                            "How many {} are there?",
                            "Count {}.",
                            "Count {} for me, please.",
                            "What is the number of {}?",
                            "Tell me how many {} we have.",
                            "How many {} do we have?",
                            "Give me the number of {}.")
                    .butNot(
                            "Could you count {}?",
                            "Can you tell me how many {} there are?",
                            "Please count {}.");

    /** A kind of thing that one can ask for. */
    record Thing(String name, String personField, Ways nouns, Ways statuses, Ways people) {}

    static final List<Thing> THINGS =
            List.of(
                    new Thing(
                            "orders",
                            "customer",
                            Ways.of("orders", "purchases").butNot("customer orders"),
                            Ways.of("open", "paid", "shipped", "returned"),
                            Ways.of("from {}", "by {}", "placed by {}", "that {} placed", "of {}")
                                    .butNot("made by {}", "from customer {}")),
                    new Thing(
                            "tickets",
                            "owner",
                            Ways.of("tickets", "support tickets").butNot("help tickets"),
                            Ways.of("open", "closed", "waiting", "urgent"),
                            Ways.of(
                                            "of {}",
                                            "assigned to {}",
                                            "owned by {}",
                                            "that {} owns",
                                            "for {}")
                                    .butNot("given to {}", "that belong to {}")),
                    new Thing(
                            "mails",
                            "from",
                            Ways.of("mails", "emails", "messages").butNot("e-mails"),
                            Ways.of("unread", "flagged", "archived", "read"),
                            Ways.of("from {}", "by {}", "sent by {}", "that {} sent", "{} sent")
                                    .butNot("written by {}", "that came from {}")));

    static final Ways AGE =
            Ways.of(
                            "from the last {} days",
                            "of the past {} days",
                            "from the past {} days",
                            "in the last {} days",
                            "no older than {} days")
                    .butNot("of the last {} days", "in the past {} days", "not older than {} days");

    static final Ways NEWEST = Ways.of("newest", "latest", "most recent").butNot("very newest");

    static final Ways OLDEST = Ways.of("oldest", "earliest").butNot("very oldest");

    static final Ways NAMES =
            Ways.of(
                            ("Anna,Bruno,Carla,David,Elena,Felix,Greta,Hannah,Igor,Julia,Kevin,Laura,Martin,Nora,Oscar,Paula,"
                                 + "Rachel,Simon,Teresa,Victor,Wendy,Miller,Garcia,Schmidt,Tanaka,Rossi,Novak,Larsen,Dubois,Silva,Murphy,Chen,Anna"
                                 + " Berg,Tom Baker,Maria Lopez,James Wilson,Lena Fischer,Paul"
                                 + " Martin,Sara Cohen,Omar Khan,Emma Clark,Lucas"
                                 + " Moreau,Northwind,Blue Lake Cafe,Green Valley Farm,Star"
                                 + " Bakery,Harbor Books,City Garden,Red Fox Studio,Silver Line,Old"
                                 + " Mill Hotel")
                                    .split(","))
                    .butNot(
                            ("Alice,Benjamin,Claudia,Daniel,Esther,Frank,Isabel,Johnson,Weber,Walker,Peter"
                                 + " Stone,Linda Young,Mark Turner,Sophie Laurent,River Park"
                                 + " Hotel,Golden Apple,Corner Books")
                                    .split(","));

    static final Ways DAYS = Ways.of("2,3,4,5,6,7,8,9,10,12,14,15,20,30,60,90".split(","));

    static final Ways LIMITS = Ways.of("2,3,4,5,6,7,8,9,10,12,15,20,25,50".split(","));
}
