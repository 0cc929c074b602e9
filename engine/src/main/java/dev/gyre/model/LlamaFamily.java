package dev.gyre.model;

import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.format.Gguf;
import dev.gyre.format.GgufMetadata;
import dev.gyre.format.TensorFile;
import dev.gyre.quant.Encodings;
import dev.gyre.tensor.Scope;

import java.util.Set;

/** Llama models, from Hugging Face folders and from GGUF files. */
final class LlamaFamily implements Family {
    @Override
    public Set<String> modelTypes() {
        return Set.of("llama");
    }

    @Override
    public Set<String> architectures() {
        return Set.of("llama");
    }

    @Override
    public Model open(Tree config, TensorFile file, Scope home, Loading how) {
        var checkpoint =
                new FileCheckpoint(file, FileCheckpoint.Layout.as(n -> n), home, how.encoding());
        return opened(LlamaConfig.of(config), checkpoint, home, how);
    }

    @Override
    public Model open(Gguf file, Scope home, Loading how) {
        LlamaConfig config = config(file);
        var checkpoint = new FileCheckpoint(file, new LlamaGguf(config), home, how.encoding());
        return opened(config, checkpoint, home, how);
    }

    private static Model opened(
            LlamaConfig config, FileCheckpoint checkpoint, Scope home, Loading how) {
        var model = new Llama(config, checkpoint, home, how.activations());
        if (!how.ignoreUnknown()) checkpoint.refuseUnread();
        return model;
    }

    private static LlamaConfig config(Gguf file) {
        GgufMetadata m = file.metadata();
        int hidden = m.size("llama.embedding_length");
        int heads = m.size("llama.attention.head_count");
        int headDim = m.sizeOr("llama.attention.key_length", hidden / Math.max(1, heads));
        boolean attentionBias = file.names().contains("blk.0.attn_q.bias");
        return new LlamaConfig(
                (int) file.tensor("token_embd.weight").shape()[0],
                hidden,
                m.size("llama.feed_forward_length"),
                m.size("llama.block_count"),
                heads,
                m.sizeOr("llama.attention.head_count_kv", heads),
                headDim,
                m.real("llama.attention.layer_norm_rms_epsilon"),
                rotary(file, headDim),
                plainTheta(file),
                m.size("llama.context_length"),
                !file.names().contains("output.weight"),
                attentionBias,
                file.names().contains("blk.0.ffn_gate.bias"));
    }

    private static double plainTheta(Gguf file) {
        boolean plain =
                file.metadata().textOr("llama.rope.scaling.type", "none").equals("none")
                        && !file.names().contains("rope_freqs.weight");
        return plain ? file.metadata().realOr("llama.rope.freq_base", 10000) : Double.NaN;
    }

    /** Llama 3.1's stretching lies in the file as a divisor of each frequency. */
    private static Rotary rotary(Gguf file, int headDim) {
        GgufMetadata m = file.metadata();
        Rotary plain = Rotary.of(headDim, m.realOr("llama.rope.freq_base", 10000));
        String scaling = m.textOr("llama.rope.scaling.type", "none");
        if (scaling.equals("linear")) return plain.linear(m.real("llama.rope.scaling.factor"));
        if (!scaling.equals("none"))
            throw new UserError(
                    file.path()
                            + ": rope scaling \""
                            + scaling
                            + "\" is not known here; known: none, linear");
        if (!file.names().contains("rope_freqs.weight")) return plain;
        return plain.dividedBy(Encodings.decode(file.tensor("rope_freqs.weight")));
    }
}
