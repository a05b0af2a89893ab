package facepredict;

/** A reason to trust a face less. */
public enum Quality {
    /** Few pixels. */
    SMALL(1),
    /** Out of focus or moving. */
    BLURRED(1 << 1),
    /** Under-exposed. */
    DARK(1 << 2),
    /** Over-exposed. */
    BRIGHT(1 << 3),
    /** Far from frontal. */
    TURNED(1 << 4),
    /** Reaches beyond the picture. */
    CUT_OFF(1 << 5),
    /** On its side or upside down, and read wrongly; {@link Options#tryTurns} reads it rightly. */
    NOT_UPRIGHT(1 << 6);

    final int bit;

    Quality(int bit) {
        this.bit = bit;
    }
}
