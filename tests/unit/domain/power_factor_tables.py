"""The power-factor tables of 〔83〕水电财字215号, as they are printed."""

from __future__ import annotations

_PRINTED = """
hundredths  0.90   0.85   0.80
       100    -75   -110   -130
        99    -75   -110   -130
        98    -75   -110   -130
        97    -75   -110   -130
        96    -75   -110   -130
        95    -75   -110   -130
        94    -60   -110   -130
        93    -45    -95   -130
        92    -30    -80   -130
        91    -15    -65   -115
        90      0    -50   -100
        89     50    -40    -90
        88    100    -30    -80
        87    150    -20    -70
        86    200    -10    -60
        85    250      0    -50
        84    300     50    -40
        83    350    100    -30
        82    400    150    -20
        81    450    200    -10
        80    500    250      0
        79    550    300     50
        78    600    350    100
        77    650    400    150
        76    700    450    200
        75    750    500    250
        74    800    550    300
        73    850    600    350
        72    900    650    400
        71    950    700    450
        70   1000    750    500
        69   1100    800    550
        68   1200    850    600
        67   1300    900    650
        66   1400    950    700
        65   1500   1000    750
        64   1700   1100    800
        63   1900   1200    850
        62   2100   1300    900
        61   2300   1400    950
        60   2500   1500   1000
        59   2700   1700   1100
        58   2900   1900   1200
        57   3100   2100   1300
        56   3300   2300   1400
        55   3500   2500   1500
        54   3700   2700   1700
        53   3900   2900   1900
        52   4100   3100   2100
        51   4300   3300   2300
        50   4500   3500   2500
        49   4700   3700   2700
        48   4900   3900   2900
        47   5100   4100   3100
        46   5300   4300   3300
        45   5500   4500   3500
        44   5700   4700   3700
        43   5900   4900   3900
        42   6100   5100   4100
        41   6300   5300   4300
        40   6500   5500   4500
"""
_BELOW = 40  # every further hundredth adds 2 % in all three columns

STANDARDS = (90, 85, 80)


def _tables():
    rows = [tuple(map(int, line.split())) for line in _PRINTED.strip().splitlines()[1:]]
    printed = {
        standard: {row[0]: row[column] for row in rows}
        for column, standard in enumerate(STANDARDS, start=1)
    }
    for table in printed.values():
        for hundredths in range(_BELOW - 1, -1, -1):
            table[hundredths] = table[hundredths + 1] + 200
    return printed


TABLES = _tables()
