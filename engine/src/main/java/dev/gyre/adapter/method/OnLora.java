package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * A method built on LoRA, in the registry: LoRA's settings and keys, and a few of its own. Its
 * files have LoRA's type. Where PEFT has no word for it, the key {@link #MARK} names it, which PEFT
 * passes over.
 *
 * @param <M> the method
 */
abstract class OnLora<M extends Method> implements MethodKind {
    /** A key of our own: the method that trained what PEFT may read as LoRA. */
    static final String MARK = "gyre_method";

    private final String name;
    private final String summary;
    private final Class<M> type;
    private final Function<M, Lora> lora;

    /**
     * @param type of the method
     * @param lora the LoRA that a method is built on
     */
    OnLora(String name, String summary, Class<M> type, Function<M, Lora> lora) {
        this.name = name;
        this.summary = summary;
        this.type = type;
        this.lora = lora;
    }

    /** Its own settings with their meaning; the map also holds LoRA's. */
    abstract void describe(Map<String, String> settings);

    abstract M of(Lora lora, Settings settings);

    abstract M fromPeft(Lora lora, Tree config, Reading reading);

    /** Its own keys of a configuration, beside LoRA's. */
    abstract Map<String, Object> ownKeys(M method);

    /** Names of its own keys, beside {@link #MARK}. */
    Set<String> more() {
        return Set.of();
    }

    /** Whether a configuration of LoRA's type means this method. */
    boolean means(Tree config) {
        return config.textOr(MARK, "").equals(name);
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public String parts() {
        return "beside";
    }

    @Override
    public final String peftType() {
        return "LORA";
    }

    @Override
    public final String summary() {
        return summary;
    }

    @Override
    public String count() {
        return Lora.KIND.count();
    }

    @Override
    public final boolean reads(Tree config) {
        return MethodKind.super.reads(config) && means(config);
    }

    @Override
    public final Map<String, String> settings() {
        var all = new LinkedHashMap<>(Lora.KIND.settings());
        describe(all);
        return all;
    }

    @Override
    public final Method of(Settings s) {
        M method = of(LoraKind.settings(s), s);
        s.finish();
        return method;
    }

    @Override
    public Set<String> peftKeys() {
        var keys = new HashSet<>(LoraKind.KEYS);
        keys.add(MARK);
        keys.addAll(more());
        return keys;
    }

    @Override
    public final Method fromPeft(Tree c, Reading reading) {
        return fromPeft(LoraKind.lora(c, start(c)), c, reading);
    }

    /** How A and B started. */
    Lora.Start start(Tree config) {
        return LoraKind.start(config);
    }

    @Override
    public final Map<String, Object> toPeft(Method method) {
        M own = type.cast(method);
        var keys = new LinkedHashMap<>(LoraKind.keys(lora.apply(own)));
        keys.putAll(ownKeys(own));
        return keys;
    }
}
