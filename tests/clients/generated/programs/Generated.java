package javax.annotation;

/** The annotation of generated classes, which Java itself no longer has. */
public @interface Generated {
    String value();

    String date();

    String comments();
}
