package dev.gyre;

import dev.gyre.train.Recipe;

import java.nio.file.Path;

/**
 * The README's Java, as the compiler sees it; {@link DocsTest} holds the two together and runs it.
 */
final class ReadmeExample {
    private ReadmeExample() {}

    /** Runs it in the working folder. */
    public static void main(String[] args) {
        String base = args[0];
        Gyre gyre = Gyre.start(Gyre.Machine.auto(), Gyre.Notices.SILENT);
        Recipe recipe = Recipe.of(base, Path.of("tickets.jsonl"), Path.of("java-adapter"));
        gyre.train(recipe.with("method", "oft:block=32").with("steps", 20), false, event -> {});
        try (var model = gyre.open(Gyre.Source.of(base, Path.of("java-adapter")))) {
            System.out.println(model.answer("Where is my parcel?"));
        }
    }
}
