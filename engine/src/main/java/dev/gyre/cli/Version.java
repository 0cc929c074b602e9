package dev.gyre.cli;

import picocli.CommandLine.IVersionProvider;

import java.util.Optional;

/** What {@code gyre --version} prints: the jar's version, and the checkout's commit. */
final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
        String version =
                Optional.ofNullable(Main.class.getPackage().getImplementationVersion())
                        .orElse("without a version (not in a jar)");
        String commit = Provenance.commit().map(c -> ", commit " + c).orElse("");
        return new String[] {"gyre " + version + commit};
    }
}
