package dev.gyre;

/** Nobody listens. */
final class Silent implements Gyre.Notices {
    @Override
    public void say(String sentence) {}

    @Override
    public void fetched(String what, long done, long total) {}
}
