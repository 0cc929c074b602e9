package dev.gyre.model;

import dev.gyre.quant.Weight;
import dev.gyre.tensor.Cores;
import dev.gyre.tensor.ProcessMemory;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;

/**
 * The Llama family: pre-norm blocks of grouped-query attention with rotary positions and a
 * SiLU-gated MLP. Everything that distinguishes its members is in {@link LlamaConfig}.
 */
final class Llama implements Model {
    private static final String EMBEDDING = "model.embed_tokens";
    private static final String HEAD = "lm_head";
    private static final String EMBEDDED = EMBEDDING + ".output";
    private static final String BEGINNING = "sequence.start";
    private static final String HEAD_INPUT = HEAD + ".input";

    private record Block(
            String name, Slot q, Slot k, Slot v, Slot o, Slot gate, Slot up, Slot down) {
        List<Slot> slots() {
            return List.of(q, k, v, o, gate, up, down);
        }

        String inputNorm() {
            return name + ".input_layernorm.weight";
        }

        String mlpNorm() {
            return name + ".post_attention_layernorm.weight";
        }

        String prefix() {
            return name + ".self_attn.prefix";
        }
    }

    private final LlamaConfig config;
    private final Attention attention;
    private final Slot embedding;
    private final Slot head;
    private final List<Block> blocks = new ArrayList<>();
    private final Map<String, Tensor> vectors = new LinkedHashMap<>();
    private final Scope home;
    private final Activations activations;
    private final double freeBytes;
    private final double bytesOfRow;

    /**
     * Loads all parameters.
     *
     * @param home owns them, and is closed with the model
     * @param activations what training keeps of a forward pass
     */
    Llama(LlamaConfig config, Checkpoint checkpoint, Scope home, Activations activations) {
        this.config = config;
        this.home = home;
        this.activations = activations;
        this.attention = new Attention(config.heads(), config.kvHeads(), config.headDim());
        Weight table =
                checkpoint.table(EMBEDDING + ".weight", config.vocabulary(), config.hidden());
        Weight output =
                checkpoint.head(
                        (config.tied() ? EMBEDDING : HEAD) + ".weight",
                        config.vocabulary(),
                        config.hidden());
        embedding = new Slot(EMBEDDING, Slot.Kind.EMBEDDING, table, Optional.empty());
        head = new Slot(HEAD, Slot.Kind.HEAD, output, Optional.empty());
        for (int i = 0; i < config.layers(); i++)
            blocks.add(block(checkpoint, "model.layers." + i));
        vector(checkpoint, "model.norm.weight", config.hidden());
        freeBytes = ProcessMemory.availableBytes().orElse(Long.MAX_VALUE);
        // What the slots of a block put out, in f32, and a quarter more for what stands between.
        bytesOfRow =
                blocks.stream().flatMap(b -> b.slots().stream()).mapToDouble(Slot::out).sum() * 5;
    }

    private Block block(Checkpoint checkpoint, String name) {
        int d = config.hidden();
        int m = config.intermediate();
        int q = config.heads() * config.headDim();
        int kv = config.kvHeads() * config.headDim();
        boolean ab = config.attentionBias();
        boolean mb = config.mlpBias();
        var block =
                new Block(
                        name,
                        slot(checkpoint, name + ".self_attn.q_proj", q, d, ab),
                        slot(checkpoint, name + ".self_attn.k_proj", kv, d, ab),
                        slot(checkpoint, name + ".self_attn.v_proj", kv, d, ab),
                        slot(checkpoint, name + ".self_attn.o_proj", d, q, ab),
                        slot(checkpoint, name + ".mlp.gate_proj", m, d, mb),
                        slot(checkpoint, name + ".mlp.up_proj", m, d, mb),
                        slot(checkpoint, name + ".mlp.down_proj", d, m, mb));
        vector(checkpoint, block.inputNorm(), d);
        vector(checkpoint, block.mlpNorm(), d);
        return block;
    }

    private Slot slot(Checkpoint checkpoint, String name, long out, long in, boolean bias) {
        if (bias) vector(checkpoint, name + ".bias", out);
        return new Slot(
                name,
                Slot.Kind.LINEAR,
                checkpoint.weight(name + ".weight", out, in),
                Optional.ofNullable(vectors.get(name + ".bias")));
    }

    private void vector(Checkpoint checkpoint, String name, long length) {
        vectors.put(name, checkpoint.vector(name, length));
    }

    @Override
    public String family() {
        return "llama";
    }

    @Override
    public int vocabulary() {
        return config.vocabulary();
    }

    @Override
    public int layers() {
        return config.layers();
    }

    @Override
    public int contextTokens() {
        return config.contextTokens();
    }

    @Override
    public boolean tiedHead() {
        return config.tied();
    }

    @Override
    public Map<String, Object> huggingFaceConfig(boolean tiedHead) {
        return config.huggingFace(tiedHead);
    }

    @Override
    public GgufForm gguf() {
        return new LlamaGguf(config);
    }

    @Override
    public List<Slot> slots() {
        var all = new ArrayList<Slot>(List.of(embedding));
        for (Block b : blocks) all.addAll(b.slots());
        all.add(head);
        return all;
    }

    @Override
    public List<HookPoint> hookPoints() {
        var all = new ArrayList<HookPoint>();
        all.add(new HookPoint(EMBEDDED, HookPoint.Kind.EMBEDDED, config.hidden()));
        all.add(new HookPoint(BEGINNING, HookPoint.Kind.BEGINNING, config.hidden()));
        long kv = (long) config.kvHeads() * config.headDim();
        for (Block b : blocks) all.add(new HookPoint(b.prefix(), HookPoint.Kind.PREFIX, kv));
        all.add(new HookPoint(HEAD_INPUT, HookPoint.Kind.HEAD, config.hidden()));
        return all;
    }

    @Override
    public Map<String, Tensor> vectors() {
        return Map.copyOf(vectors);
    }

    @Override
    public Var hidden(Tape tape, Tokens tokens, List<KvCache> caches) {
        try (var here = Scope.open()) {
            var openings = Openings.of(tokens, caches, BEGINNING);
            Tokens wide = openings.tokens();
            Var words = Embedding.apply(tape, embedding, tokens.ids(), tokens.spans());
            Var x = openings.widen(tape, Rows.hooked(tape, words, tokens.spans(), EMBEDDED));
            var turns = config.rotary().at(wide.positions(), x.value().dtype());
            var angles = new Rotary.Angles(tape.hold(turns.cos()), tape.hold(turns.sin()));
            double kept = bytesOfRow * x.value().size(0) * Cores.atWork();
            boolean again = tape.recording() && activations.again(kept, freeBytes);
            boolean rounds = activations == Activations.BF16;
            for (int i = 0; i < blocks.size(); i++) {
                int layer = i;
                Var in = x;
                BiFunction<Tape, Var, Var> block =
                        (t, v) -> block(t, layer, v, angles, wide, openings, caches);
                if (again) x = tape.recompute(block, in);
                else if (rounds) x = tape.rounding(block, in);
                else x = block.apply(tape, in);
                if (in.value() != x.value()) in.value().free();
            }
            for (int s = 0; s < caches.size(); s++)
                caches.get(s).advance(wide.starts()[s + 1] - wide.starts()[s] + openings.prefix(s));
            Var own = openings.narrow(tape, x);
            return here.give(norm(tape, "model.norm.weight", own, tokens));
        }
    }

    private Var block(
            Tape tape,
            int layer,
            Var x,
            Rotary.Angles angles,
            Tokens tokens,
            Openings openings,
            List<KvCache> caches) {
        Block b = blocks.get(layer);
        try (var here = Scope.open()) {
            Var n = norm(tape, b.inputNorm(), x, tokens);
            Var q = linear(tape, b.q, n, tokens);
            Var k = linear(tape, b.k, n, tokens);
            Var v = linear(tape, b.v, n, tokens);
            Var attended =
                    attention.apply(
                            tape,
                            q,
                            k,
                            v,
                            angles,
                            tokens,
                            layer,
                            caches,
                            openings.prefixes(b.prefix()));
            Var h = Rows.sum(tape, x, linear(tape, b.o, attended, tokens));
            Var m = norm(tape, b.mlpNorm(), h, tokens);
            Var gated =
                    GatedMlp.apply(
                            tape, linear(tape, b.gate, m, tokens), linear(tape, b.up, m, tokens));
            Var down =
                    tape.again()
                            ? AdaptedLinear.applyUnread(
                                    tape, b.down, bias(b.down), gated, tokens.spans())
                            : linear(tape, b.down, gated, tokens);
            return here.give(Rows.sum(tape, h, down));
        }
    }

    private Var norm(Tape tape, String name, Var x, Tokens tokens) {
        return RmsNorm.apply(tape, name, parameter(name), config.normEps(), x, tokens.spans());
    }

    private Var linear(Tape tape, Slot slot, Var x, Tokens tokens) {
        return AdaptedLinear.apply(tape, slot, bias(slot), x, tokens.spans());
    }

    private @Nullable Tensor bias(Slot slot) {
        return slot.bias().isPresent() ? parameter(slot.name() + ".bias") : null;
    }

    private Tensor parameter(String name) {
        Tensor value = vectors.get(name);
        if (value == null) throw new IllegalStateException("no parameter " + name);
        return value;
    }

    @Override
    public Var logits(Tape tape, Var rows, List<Span> spans) {
        Var in = Rows.hooked(tape, rows, spans, HEAD_INPUT);
        return AdaptedLinear.apply(tape, head, null, in, spans);
    }

    @Override
    public Var loss(Tape tape, Tokens tokens, int[] labels, double weight) {
        Var hidden = hidden(tape, tokens, List.of());
        return CrossEntropy.apply(
                tape, this::logits, config.vocabulary(), hidden, labels, weight, tokens.spans());
    }

    @Override
    public void close() {
        home.close();
    }
}
