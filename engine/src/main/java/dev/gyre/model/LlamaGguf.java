package dev.gyre.model;

import dev.gyre.config.UserError;
import dev.gyre.format.GgufKeys;
import dev.gyre.format.GgufType;

import org.jspecify.annotations.Nullable;

import java.util.Map;

/**
 * llama.cpp's files of the Llama family. There queries and keys turn neighbours, so their rows lie
 * in another order.
 */
record LlamaGguf(LlamaConfig config) implements FileCheckpoint.Layout, GgufForm {
    /** Module names of Hugging Face inside a block, and llama.cpp's. */
    private static final Map<String, String> BLOCK_NAMES =
            Map.of(
                    "self_attn.q_proj", "attn_q",
                    "self_attn.k_proj", "attn_k",
                    "self_attn.v_proj", "attn_v",
                    "self_attn.o_proj", "attn_output",
                    "mlp.gate_proj", "ffn_gate",
                    "mlp.up_proj", "ffn_up",
                    "mlp.down_proj", "ffn_down",
                    "input_layernorm", "attn_norm",
                    "post_attention_layernorm", "ffn_norm");

    private static final Map<String, String> NAMES =
            Map.of(
                    "model.embed_tokens.weight", "token_embd.weight",
                    "model.norm.weight", "output_norm.weight",
                    "lm_head.weight", "output.weight");

    @Override
    public String architecture() {
        return "llama";
    }

    @Override
    public String name(String parameter) {
        String whole = NAMES.get(parameter);
        if (whole != null) return whole;
        String[] parts = parameter.split("\\.", 4);
        String rest = parts[3];
        int dot = rest.lastIndexOf('.');
        return "blk."
                + parts[2]
                + "."
                + BLOCK_NAMES.get(rest.substring(0, dot))
                + rest.substring(dot);
    }

    @Override
    public int @Nullable [] order(String parameter) {
        if (parameter.contains(".q_proj.")) return halves(config.heads());
        if (parameter.contains(".k_proj.")) return halves(config.kvHeads());
        return null;
    }

    /** Rows (head, pair, 2) there, (head, 2, pair) here. */
    private int[] halves(int heads) {
        int pairs = config.headDim() / 2;
        int[] order = new int[heads * 2 * pairs];
        int row = 0;
        for (int head = 0; head < heads; head++)
            for (int side = 0; side < 2; side++)
                for (int pair = 0; pair < pairs; pair++)
                    order[row++] = (head * pairs + pair) * 2 + side;
        return order;
    }

    @Override
    public int @Nullable [] fileOrder(String parameter) {
        int[] order = order(parameter);
        if (order == null) return null;
        int[] inverse = new int[order.length];
        for (int row = 0; row < order.length; row++) inverse[order[row]] = row;
        return inverse;
    }

    @Override
    public void describe(GgufKeys keys) {
        if (Double.isNaN(config.ropeTheta()))
            throw new UserError(
                    "this model stretches its positions, which cannot be said in a GGUF file yet"
                            + " unless the base is one; use the model's own GGUF file");
        keys.text("general.architecture", architecture())
                .text("general.type", "model")
                .size("llama.vocab_size", config.vocabulary())
                .size("llama.context_length", config.contextTokens())
                .size("llama.embedding_length", config.hidden())
                .size("llama.block_count", config.layers())
                .size("llama.feed_forward_length", config.intermediate())
                .size("llama.attention.head_count", config.heads())
                .size("llama.attention.head_count_kv", config.kvHeads())
                .size("llama.attention.key_length", config.headDim())
                .size("llama.attention.value_length", config.headDim())
                .size("llama.rope.dimension_count", config.headDim())
                .set("llama.rope.freq_base", GgufType.F32, config.ropeTheta())
                .set("llama.attention.layer_norm_rms_epsilon", GgufType.F32, config.normEps());
    }
}
