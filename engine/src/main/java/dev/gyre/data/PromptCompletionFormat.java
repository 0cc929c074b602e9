package dev.gyre.data;

import dev.gyre.config.Tree;

import java.util.List;

/** Rows {@code {"prompt": "…", "completion": "…"}}. */
final class PromptCompletionFormat implements Format {
    @Override
    public String name() {
        return "prompt-completion";
    }

    @Override
    public List<String> keys() {
        return List.of("prompt", "completion");
    }

    @Override
    public Example read(Tree row, KeyCheck keys) {
        return new Example.Completion(
                row.need("prompt").text(), row.need("completion").text(), row.where());
    }
}
