package dev.gyre.train;

import dev.gyre.config.Bind;
import dev.gyre.config.Tree;
import dev.gyre.config.Yaml;

/** Rows that are looked at and not learned: a file of their own, or a share of the data. */
public sealed interface HeldOut extends Bind.Plain {
    record File(DataSource source) implements HeldOut {
        @Override
        public Object plain() {
            return source.plain();
        }
    }

    /** A share above 0 and below 1, drawn with the recipe's seed. */
    record Share(double share) implements HeldOut {
        @Override
        public Object plain() {
            return share;
        }
    }

    /** Reads a number as a share and anything else as {@link DataSource} does. */
    static HeldOut read(Tree tree) {
        Object value = tree.isText() ? Yaml.scalar(tree.text()) : tree.value();
        if (!(value instanceof Number number)) return new File(DataSource.read(tree));
        double share = number.doubleValue();
        if (!(share > 0 && share < 1)) throw tree.wrong("a file, or a share above 0 and below 1");
        return new Share(share);
    }
}
