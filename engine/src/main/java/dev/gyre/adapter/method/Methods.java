package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Settings;
import dev.gyre.config.NearMiss;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The registry of methods. Adding one is its file, its line here, and its goldens. A method whose
 * files have LoRA's type stands before LoRA.
 */
public final class Methods {
    public static final List<MethodKind> ALL =
            List.of(
                    Oft.KIND,
                    Boft.KIND,
                    Hra.KIND,
                    Givens.KIND,
                    Road.KIND,
                    Ia3.KIND,
                    Hydra.KIND,
                    FourierFt.KIND,
                    Shira.KIND,
                    Qwha.KIND,
                    Paca.KIND,
                    S2ft.KIND,
                    LnTuning.KIND,
                    Dora.KIND,
                    Vera.KIND,
                    RandLora.KIND,
                    TeRa.KIND,
                    LoHa.KIND,
                    LoKr.KIND,
                    Principal.PISSA,
                    Principal.OLORA,
                    Loftq.KIND,
                    LoraPlus.KIND,
                    LoraFa.KIND,
                    LoraPro.KIND,
                    DyLora.KIND,
                    LoraXs.KIND,
                    LoraSb.KIND,
                    FlyLora.KIND,
                    PromptTuning.KIND,
                    PrefixTuning.KIND,
                    Bottleneck.SEQUENTIAL,
                    Bottleneck.PARALLEL,
                    Invertible.KIND,
                    Compacter.KIND,
                    Lora.KIND);

    private Methods() {}

    /** The kind of this name. @throws UserError naming the nearest one */
    public static MethodKind named(String name) {
        return ALL.stream()
                .filter(k -> k.name().equals(name))
                .findFirst()
                .orElseThrow(
                        () ->
                                new UserError(
                                        "unknown method \""
                                                + name
                                                + "\""
                                                + NearMiss.hint(
                                                        name,
                                                        ALL.stream()
                                                                .map(MethodKind::name)
                                                                .toList())));
    }

    /** The method of this name with these settings. */
    public static Method make(String name, Map<String, ? extends @Nullable Object> settings) {
        return named(name).of(new Settings(name, settings));
    }

    /** The kind of a PEFT configuration. @throws UserError when there is none */
    public static MethodKind ofPeft(Tree config) {
        Tree type = config.need("peft_type");
        return ALL.stream()
                .filter(k -> k.reads(config))
                .findFirst()
                .orElseThrow(
                        () ->
                                new UserError(
                                        "%s: peft_type \"%s\" is not known here; known: %s"
                                                .formatted(
                                                        type.where(),
                                                        type.text(),
                                                        ALL.stream()
                                                                .map(MethodKind::peftType)
                                                                .distinct()
                                                                .collect(
                                                                        Collectors.joining(
                                                                                ", ")))));
    }

    /** The kind that a method belongs to. */
    public static MethodKind of(Method method) {
        return named(method.name());
    }
}
