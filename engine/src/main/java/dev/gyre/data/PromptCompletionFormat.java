package dev.gyre.data;

import dev.gyre.config.Tree;
import java.util.Set;

/** Rows {@code {"prompt": "…", "completion": "…"}}. */
final class PromptCompletionFormat implements Format {
    @Override
    public String name() {
        return "prompt-completion";
    }

    @Override
    public Set<String> keys() {
        return Set.of("prompt", "completion");
    }

    @Override
    public Example read(Tree row) {
        return new Example.Completion(row.need("prompt").text(), row.need("completion").text(), row.where());
    }
}
