package dev.gyre.cli;

import dev.gyre.adapter.MethodKind;

import java.util.List;

/** The page of all methods, from the registry. */
final class MethodsPage {
    private MethodsPage() {}

    /** In Markdown. */
    static String of(List<MethodKind> kinds) {
        var page = new StringBuilder();
        page.append(
                """
                # Methods

                Printed by `gyre methods --markdown` from the registry; a test keeps it current.

                A method changes a frozen linear layer into y = after(W·before(x)) + beside(x) + bias.
                "Acts" names the parts that it takes; `in` and `out` are the layer's widths. Methods of
                these parts merge into the weights and serve beside others in one batch; what depends
                on the input serves and does not merge. Where PEFT has the method, files go both ways.

                | method | acts | numbers learned a layer | merges | in PEFT | learning rate |
                |---|---|---|---|---|---|
                """);
        for (MethodKind kind : kinds)
            page.append(
                    "| [%s](#%s) | %s | %s | %s | %s | %s |\n"
                            .formatted(
                                    kind.name(),
                                    kind.name(),
                                    kind.parts(),
                                    kind.count(),
                                    kind.merges() ? "yes" : "no",
                                    kind.inPeft() ? "yes" : "no",
                                    ListMethods.rate(kind)));
        for (MethodKind kind : kinds) {
            page.append("\n## ").append(kind.name()).append("\n\n").append(sentence(kind));
            if (kind.settings().isEmpty()) continue;
            page.append("\n| setting | default and meaning |\n|---|---|\n");
            kind.settings()
                    .forEach((key, about) -> page.append("| `%s` | %s |\n".formatted(key, about)));
        }
        return page.toString();
    }

    private static String sentence(MethodKind kind) {
        String summary = kind.summary();
        return Character.toUpperCase(summary.charAt(0)) + summary.substring(1) + ".\n";
    }
}
