package facepredict;

/** A reason to trust a face less. */
public enum Quality {
    /** The face has few pixels: the square root of the box's area is below 40. */
    SMALL(1),
    /** The face is out of focus, or moves. */
    BLURRED(1 << 1),
    /** The face is under-exposed. */
    DARK(1 << 2),
    /** The face is over-exposed. */
    BRIGHT(1 << 3),
    /** The head is turned by more than 40 degrees. A region without landmarks is never marked so. */
    TURNED(1 << 4),
    /** More than 15 % of the box lies outside the picture. */
    CUT_OFF(1 << 5),
    /**
     * The head lies on its side or stands upside down. Do not use such an answer, and ask again with
     * {@link Options#tryTurns}.
     */
    NOT_UPRIGHT(1 << 6);

    final int bit;

    Quality(int bit) {
        this.bit = bit;
    }
}
