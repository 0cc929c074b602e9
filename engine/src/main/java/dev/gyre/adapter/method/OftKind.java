package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.linear.Cayley;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** OFT in the registry: its settings, and its keys in PEFT's files. */
final class OftKind implements MethodKind {
    @Override
    public String name() {
        return "oft";
    }

    @Override
    public String peftType() {
        return "OFT";
    }

    @Override
    public String summary() {
        return "rotates the inputs of frozen weights in blocks (OFTv2; COFT with coft=true)";
    }

    @Override
    public String count() {
        return "in * (block - 1) / 2";
    }

    @Override
    public String parts() {
        return "before";
    }

    @Override
    public Map<String, String> settings() {
        var s = new LinkedHashMap<String, String>();
        s.put("block", "32: size of a block; divides the input width");
        s.put("blocks", "(none): number of blocks, instead of block");
        s.put("terms", "5: terms of the Cayley-Neumann series, 2 or more");
        s.put("exact", "false: the exact Cayley transform instead of the series");
        s.put("series", "standard: or legacy, the polynomial of PEFT 0.16 and 0.17");
        s.put("coft", "false: keep the rotation near the identity (COFT)");
        s.put("eps", "6e-5: COFT's radius, above 0");
        s.put("share", "false: one block shared by all");
        s.put("dropout", "0: share of blocks left out at each training step");
        return s;
    }

    @Override
    public Method of(Settings s) {
        int blocks = s.whole("blocks", 0, 1);
        int block = s.whole("block", blocks == 0 ? 32 : 0, 1);
        int terms = s.whole("terms", 5, 2);
        boolean exact = s.flag("exact", false);
        boolean legacy =
                s.oneOf("series", "standard", List.of("standard", "legacy")).equals("legacy");
        boolean coft = s.flag("coft", false);
        double eps = s.real("eps", 6e-5, 0, false, Double.POSITIVE_INFINITY);
        boolean share = s.flag("share", false);
        double dropout = s.real("dropout", 0, 0, true, 1);
        s.finish();
        return new Oft(
                block,
                blocks,
                cayley(exact, terms, legacy),
                coft ? eps : 0,
                share,
                dropout,
                false,
                false);
    }

    private static Cayley cayley(boolean exact, int terms, boolean legacy) {
        return exact ? new Cayley.Exact() : new Cayley.Neumann(terms, legacy);
    }

    @Override
    public Set<String> peftKeys() {
        return Set.of(
                "r",
                "oft_block_size",
                "module_dropout",
                "init_weights",
                "coft",
                "eps",
                "block_share",
                "use_cayley_neumann",
                "num_cayley_neumann_terms",
                "bias",
                "fan_in_fan_out");
    }

    @Override
    public Method fromPeft(Tree c, Reading reading) {
        if (!c.entries().containsKey("oft_block_size"))
            throw new UserError(
                    c.where()
                            + ": an OFT file without oft_block_size was made by PEFT before"
                            + " 0.14, which rotated outputs; train it again, or load it with"
                            + " PEFT 0.13");
        boolean neumann = c.boolOr("use_cayley_neumann", true);
        int terms = (int) c.wholeOr("num_cayley_neumann_terms", 5);
        if (neumann && terms < 2)
            throw new UserError(
                    c.where()
                            + ": num_cayley_neumann_terms = "
                            + terms
                            + " means no rotation at all; wanted 2 or more");
        boolean old = c.textOr("peft_version", "").matches("0\\.1[67](\\..*)?");
        if (neumann && c.get("peft_version").isEmpty() && !reading.legacySeries())
            reading.warn()
                    .accept(
                            c.where()
                                    + ": no peft_version, so it may be from before PEFT 0.18,"
                                    + " whose series had another last coefficient; it is read"
                                    + " as PEFT 0.21 reads it. If it is old: --oft-series"
                                    + " legacy");
        double eps = c.realOr("eps", 6e-5);
        boolean coft = c.boolOr("coft", false);
        if (coft && !(eps > 0))
            throw new UserError(c.where() + ": eps must be above 0, not " + eps);
        return new Oft(
                (int) c.wholeOr("oft_block_size", 0),
                (int) c.wholeOr("r", 0),
                cayley(!neumann, Math.max(2, terms), old || reading.legacySeries()),
                coft ? eps : 0,
                c.boolOr("block_share", false),
                // PEFT ≥ 0.16 accepts module_dropout and never applies it; so does a run that
                // goes on from here.
                0,
                true,
                !c.boolOr("init_weights", true));
    }

    @Override
    public Map<String, Object> toPeft(Method method) {
        var oft = (Oft) method;
        var keys = new LinkedHashMap<String, Object>();
        keys.put("r", oft.blocks());
        keys.put("oft_block_size", oft.block());
        keys.put("module_dropout", oft.dropout());
        keys.put("init_weights", !oft.random());
        keys.put("coft", oft.eps() > 0);
        keys.put("eps", oft.eps() > 0 ? oft.eps() : 6e-5);
        keys.put("block_share", oft.share());
        keys.put("use_cayley_neumann", oft.cayley() instanceof Cayley.Neumann);
        keys.put(
                "num_cayley_neumann_terms",
                oft.cayley() instanceof Cayley.Neumann n ? n.terms() : 5);
        keys.put("fan_in_fan_out", false);
        // A file without a version is how PEFT 0.16 and 0.17 marked (or did not mark) their
        // polynomial.
        if (oft.cayley() instanceof Cayley.Neumann n && n.legacy())
            keys.put("peft_version", "0.17.1");
        return keys;
    }
}
