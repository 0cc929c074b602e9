package dev.gyre.model;

import dev.gyre.config.Tree;
import dev.gyre.config.UserError;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The shape of a model of the Llama family.
 *
 * @param hidden width of the residual stream
 * @param intermediate width of the gated MLP
 * @param kvHeads key/value heads, which groups of query heads share
 * @param ropeTheta base of the rotary frequencies; NaN where they are stretched
 * @param contextTokens longest sequence its positions were made for
 * @param tied whether the head's weight is the embedding's
 */
public record LlamaConfig(
        int vocabulary,
        int hidden,
        int intermediate,
        int layers,
        int heads,
        int kvHeads,
        int headDim,
        double normEps,
        Rotary rotary,
        double ropeTheta,
        int contextTokens,
        boolean tied,
        boolean attentionBias,
        boolean mlpBias) {

    public LlamaConfig {
        positive("vocab_size", vocabulary);
        positive("hidden_size", hidden);
        positive("intermediate_size", intermediate);
        positive("num_hidden_layers", layers);
        positive("num_attention_heads", heads);
        positive("num_key_value_heads", kvHeads);
        positive("head_dim", headDim);
        positive("max_position_embeddings", contextTokens);
        if (!(normEps > 0) || Double.isInfinite(normEps))
            throw new UserError("rms_norm_eps must be a number above 0, not " + normEps);
        if (heads % kvHeads != 0)
            throw new UserError(
                    "num_key_value_heads (%d) must divide num_attention_heads (%d)"
                            .formatted(kvHeads, heads));
    }

    private static void positive(String key, int value) {
        if (value < 1) throw new UserError(key + " must be 1 or more, not " + value);
    }

    private static int size(Tree config, String key, int otherwise) {
        return config.get(key).map(Tree::wholeInt).orElse(otherwise);
    }

    /** Reads a Hugging Face {@code config.json}, of transformers 4 or 5. */
    static LlamaConfig of(Tree config) {
        String activation = config.textOr("hidden_act", "silu");
        if (!Set.of("silu", "swish").contains(activation))
            throw new UserError(
                    config.where()
                            + ": hidden_act \""
                            + activation
                            + "\" is not known here; known: silu");
        int hidden = config.need("hidden_size").wholeInt();
        int heads = config.need("num_attention_heads").wholeInt();
        int headDim = size(config, "head_dim", hidden / Math.max(1, heads));
        return new LlamaConfig(
                config.need("vocab_size").wholeInt(),
                hidden,
                config.need("intermediate_size").wholeInt(),
                config.need("num_hidden_layers").wholeInt(),
                heads,
                size(config, "num_key_value_heads", heads),
                headDim,
                config.realOr("rms_norm_eps", 1e-6),
                rotary(config, headDim),
                plainTheta(config),
                size(config, "max_position_embeddings", 2048),
                config.boolOr("tie_word_embeddings", false),
                config.boolOr("attention_bias", false),
                config.boolOr("mlp_bias", false));
    }

    /**
     * Version 4 keeps {@code rope_theta} and {@code rope_scaling} apart, version 5 has both in
     * {@code rope_parameters}.
     */
    private static Rotary rotary(Tree config, int headDim) {
        Tree scaling =
                config.get("rope_parameters").or(() -> config.get("rope_scaling")).orElse(null);
        double theta = config.realOr("rope_theta", 10000);
        if (scaling != null) theta = scaling.realOr("rope_theta", theta);
        Rotary plain = Rotary.of(headDim, theta);
        if (scaling == null) return plain;
        String type = scaling.textOr("rope_type", scaling.textOr("type", "default"));
        return switch (type) {
            case "default" -> plain;
            case "linear" -> plain.linear(scaling.need("factor").real());
            case "llama3" ->
                    plain.llama3(
                            scaling.need("factor").real(),
                            scaling.need("low_freq_factor").real(),
                            scaling.need("high_freq_factor").real(),
                            scaling.need("original_max_position_embeddings").real());
            default ->
                    throw new UserError(
                            "%s: rope type \"%s\" is not known here; known: %s"
                                    .formatted(
                                            scaling.where(),
                                            type,
                                            List.of("default", "linear", "llama3")));
        };
    }

    private static double plainTheta(Tree config) {
        Tree scaling =
                config.get("rope_parameters").or(() -> config.get("rope_scaling")).orElse(null);
        double theta = config.realOr("rope_theta", 10000);
        if (scaling == null) return theta;
        boolean plain =
                scaling.textOr("rope_type", scaling.textOr("type", "default")).equals("default");
        return plain ? scaling.realOr("rope_theta", theta) : Double.NaN;
    }

    /**
     * A Hugging Face {@code config.json} of this shape.
     *
     * @throws UserError when its positions are stretched
     */
    Map<String, Object> huggingFace(boolean tiedHead) {
        if (Double.isNaN(ropeTheta))
            throw new UserError(
                    "this GGUF file stretches its positions, which a merged folder cannot say yet;"
                            + " merge into the model's Hugging Face folder instead");
        var c = new LinkedHashMap<String, Object>();
        c.put("architectures", List.of("LlamaForCausalLM"));
        c.put("model_type", "llama");
        c.put("hidden_act", "silu");
        c.put("vocab_size", vocabulary);
        c.put("hidden_size", hidden);
        c.put("intermediate_size", intermediate);
        c.put("num_hidden_layers", layers);
        c.put("num_attention_heads", heads);
        c.put("num_key_value_heads", kvHeads);
        c.put("head_dim", headDim);
        c.put("rms_norm_eps", normEps);
        c.put("rope_theta", ropeTheta);
        c.put("max_position_embeddings", contextTokens);
        c.put("tie_word_embeddings", tiedHead);
        c.put("attention_bias", attentionBias);
        c.put("mlp_bias", mlpBias);
        c.put("torch_dtype", "float32");
        return c;
    }
}
