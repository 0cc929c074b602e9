package dev.gyre.adapter.method;

import dev.gyre.adapter.MethodKind;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;

import org.jspecify.annotations.Nullable;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * What PEFT's prompt-learning configurations have in common. They act on no modules, and repeat
 * sizes of the model, which PEFT fills in where they are null.
 */
abstract class PromptKind implements MethodKind {
    /** What is learned: a tensor without a module, in PEFT's files too. */
    static final String TENSOR = "prompt_embeddings";

    private static final String TOKENS = "num_virtual_tokens";

    @Override
    public final boolean merges() {
        return false;
    }

    @Override
    public final Set<String> peftLacks() {
        return Set.of(
                "target_modules",
                "exclude_modules",
                "layers_to_transform",
                "layers_pattern",
                "bias");
    }

    /** Keys of every prompt-learning configuration. */
    static final Set<String> KEYS =
            Set.of(
                    TOKENS,
                    "token_dim",
                    "num_transformer_submodules",
                    "num_attention_heads",
                    "num_layers");

    static int tokens(Tree config) {
        int tokens = config.need(TOKENS).wholeInt();
        if (tokens < 1)
            throw new UserError(
                    "%s: %s must be 1 or more, not %d"
                            .formatted(config.need(TOKENS).where(), TOKENS, tokens));
        return tokens;
    }

    static Map<String, @Nullable Object> keys(int tokens) {
        var keys = new LinkedHashMap<String, @Nullable Object>();
        for (String key : KEYS) keys.put(key, null);
        keys.put("num_transformer_submodules", 1);
        keys.put(TOKENS, tokens);
        return keys;
    }
}
