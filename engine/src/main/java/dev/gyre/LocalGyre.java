package dev.gyre;

import dev.gyre.adapter.Adapter;
import dev.gyre.adapter.AdapterFile;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Targets;
import dev.gyre.adapter.method.Methods;
import dev.gyre.compare.CompareEvent;
import dev.gyre.compare.Comparison;
import dev.gyre.compare.Plan;
import dev.gyre.compare.Sweep;
import dev.gyre.config.NearMiss;
import dev.gyre.config.UserError;
import dev.gyre.format.FolderLock;
import dev.gyre.hub.Hub;
import dev.gyre.hub.Progress;
import dev.gyre.model.Activations;
import dev.gyre.model.Effects;
import dev.gyre.model.Loading;
import dev.gyre.quant.BaseEncoding;
import dev.gyre.tensor.Device;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Torch;
import dev.gyre.train.MethodSpec;
import dev.gyre.train.Recipe;
import dev.gyre.train.TrainEvent;
import dev.gyre.train.Trainer;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.BiFunction;
import java.util.function.Consumer;

/** Gyre in this process. */
final class LocalGyre implements Gyre {
    private final Hub hub;
    private final Notices notices;
    private final AdapterFiles files;

    private LocalGyre(Hub hub, Notices notices, AdapterFiles files) {
        this.hub = hub;
        this.notices = notices;
        this.files = files;
    }

    LocalGyre(Machine machine, Notices notices) {
        this.notices = notices;
        this.files = AdapterFiles.strict();
        var environment = new HashMap<>(System.getenv());
        if (machine.offline()) environment.put("HF_HUB_OFFLINE", "1");
        this.hub = new Hub(environment);
        List<String> devices =
                Arrays.stream(Device.values())
                        .map(d -> d.name().toLowerCase(java.util.Locale.ROOT))
                        .toList();
        if (!devices.contains(machine.device()))
            throw new UserError(
                    "unknown device \"%s\"%s"
                            .formatted(machine.device(), NearMiss.hint(machine.device(), devices)));
        machine.threads()
                .ifPresent(
                        count -> {
                            Base.needLibtorch();
                            Torch.threads(count);
                        });
        try {
            Device.use(Device.valueOf(machine.device().toUpperCase(java.util.Locale.ROOT)));
        } catch (IllegalStateException e) {
            throw new UserError("--device " + machine.device() + ": " + e.getMessage(), e);
        }
    }

    private Progress progress() {
        return (label, done, total) -> notices.fetched(label, done, Math.max(0, total));
    }

    private Base base(Source source, Activations activations) {
        var how =
                new Loading(
                        activations,
                        BaseEncoding.named(source.baseEncoding()),
                        files.allowUnknownKeys());
        return Base.open(hub.resolve(source.base(), progress()), source.template(), how);
    }

    private Reading reading() {
        return new Reading(files.legacySeries(), files.allowUnknownKeys(), notices::say);
    }

    @Override
    public Gyre reading(AdapterFiles how) {
        return new LocalGyre(hub, notices, how);
    }

    @Override
    public TrainEvent.Done train(Recipe recipe, boolean overwrite, Consumer<TrainEvent> events) {
        TrainingRun.checkOut(recipe.out(), overwrite);
        // A slip in the method's settings should not cost the loading of a model.
        Methods.make(recipe.method().name(), recipe.method().settings());
        var source = new Source(recipe.base(), List.of(), recipe.template(), recipe.baseEncoding());
        try (Base base = base(source, recipe.activations())) {
            return new TrainingRun(recipe, overwrite, base, reading(), events).run();
        }
    }

    @Override
    public Comparison compare(Plan plan, Consumer<CompareEvent> events) {
        Recipe common = plan.common();
        var source = new Source(common.base(), List.of(), common.template(), common.baseEncoding());
        try (Base base = base(source, common.activations());
                var _ = FolderLock.of(plan.out())) {
            return Sweep.run(plan, new BaseLab(base, plan, reading()), events);
        }
    }

    @Override
    public Loaded open(Source source) {
        Base base = base(source, Activations.KEEP);
        try {
            return new Ready(base, adapters(base, source.adapters()));
        } catch (RuntimeException | Error e) {
            base.close();
            throw e;
        }
    }

    private List<Adapter> adapters(Base base, List<Path> folders) {
        var adapters = new ArrayList<Adapter>();
        try {
            for (Path folder : folders)
                adapters.add(AdapterFile.read(folder, base.model(), reading()));
            return adapters;
        } catch (RuntimeException | Error e) {
            adapters.forEach(Adapter::close);
            throw e;
        }
    }

    @Override
    public Merged merge(Source source, Path out, boolean overwrite) {
        TrainingRun.checkOut(out, overwrite);
        if (source.adapters().isEmpty()) throw new UserError("merge needs at least one --adapter");
        return opened(source, (base, effects) -> MergedFolder.write(base, effects, out, notices));
    }

    @Override
    public Written encode(Source source, Encoding how, Consumer<EncodedWeight> done) {
        ModelForm form = ModelForm.named(how.to());
        EncodedModel.checkOut(form, how.to(), how.out(), how.overwrite());
        return opened(source, (base, e) -> EncodedModel.write(base, e, form, how, done));
    }

    @Override
    public Converted convert(Source source, String to, Path out, boolean overwrite) {
        var type = GgufAdapter.type(to);
        EncodedModel.checkFile(to, out, overwrite);
        if (source.adapters().isEmpty())
            throw new UserError("convert needs at least one --adapter");
        return opened(source, (base, e) -> GgufAdapter.write(base, e, type, out));
    }

    private <T> T opened(Source source, BiFunction<Base, List<Effects>, T> work) {
        try (Base base = base(source, Activations.KEEP)) {
            List<Adapter> adapters = adapters(base, source.adapters());
            try (var _ = Scope.open()) {
                return work.apply(base, effects(adapters));
            } finally {
                adapters.forEach(Adapter::close);
            }
        }
    }

    private static List<Effects> effects(List<Adapter> adapters) {
        try (var tape = Tape.off()) {
            return adapters.stream().map(a -> a.effects(tape)).toList();
        }
    }

    @Override
    public Trial trial(Source source, MethodSpec spec, Activations activations) {
        Base base = base(source, activations);
        Adapter adapter =
                Adapter.attach(
                        Methods.make(spec.name(), spec.settings()),
                        Targets.allLinear(),
                        base.model(),
                        0);
        return new Stopwatched(base, adapter, new Trainer(adapter, 0, 0, 0));
    }

    @Override
    public Map<String, Learns> learns(String name, List<MethodSpec> specs) {
        var out = new LinkedHashMap<String, Learns>();
        try (Base base = base(Source.of(name), Activations.KEEP)) {
            for (MethodSpec spec : specs) {
                try (var adapter =
                        Adapter.attach(
                                Methods.make(spec.name(), spec.settings()),
                                Targets.allLinear(),
                                base.model(),
                                0)) {
                    out.put(spec.name(), new Learns(OptionalLong.of(adapter.trainable()), ""));
                } catch (UserError e) {
                    out.put(
                            spec.name(),
                            new Learns(OptionalLong.empty(), String.valueOf(e.getMessage())));
                }
            }
        }
        return out;
    }

    @Override
    public Found firstOf(List<String> names) {
        for (String name : names) {
            var here = hub.cached(name);
            if (here.isPresent()) return new Found(name, here.get(), "from the cache");
        }
        Hub.Found found = hub.first(names, progress());
        found.passedOver().forEach(notices::say);
        return new Found(found.name(), found.path(), "downloaded");
    }

    /** A base with its adapters' parts, built once. */
    private final class Ready implements Loaded {
        private final Base base;
        private final List<Adapter> adapters;
        private final Scope home;
        private final List<Effects> effects;

        Ready(Base base, List<Adapter> adapters) {
            this.base = base;
            this.adapters = adapters;
            this.home = Scope.open();
            this.effects = effects(adapters);
        }

        @Override
        public void generate(List<Prompt> prompts, Decoding how, Consumer<Piece> pieces) {
            Answers.generate(base, effects, base.model().contextTokens(), prompts, how, pieces);
        }

        @Override
        public Perplexity perplexity(List<String> documents, int stride) {
            if (stride < 1 || stride >= contextTokens())
                throw new UserError(
                        "--stride must be from 1 and below the context's %d tokens, not %d"
                                .formatted(contextTokens(), stride));
            var scored = new ArrayList<Perplexity.Document>();
            double nll = 0;
            long tokens = 0;
            List<int[]> encoded =
                    documents.stream().map(d -> base.tokenizer().encode(d, true)).toList();
            long all = encoded.stream().mapToLong(ids -> ids.length).sum();
            long before = 0;
            for (int[] ids : encoded) {
                long read = before;
                var scores =
                        dev.gyre.eval.Perplexity.of(
                                base.model(),
                                effects,
                                ids,
                                contextTokens(),
                                stride,
                                done -> notices.worked("scoring tokens", read + done, all));
                before += ids.length;
                scored.add(new Perplexity.Document(ids, scores.logprobs()));
                nll += scores.nll();
                tokens += scores.tokens();
            }
            return new Perplexity(scored, tokens, nll);
        }

        @Override
        public int contextTokens() {
            int taken = effects.stream().mapToInt(Effects::positions).sum();
            return base.model().contextTokens() - taken;
        }

        @Override
        public void close() {
            home.close();
            adapters.forEach(Adapter::close);
            base.close();
        }
    }
}
