-- wrk posts one vector of 25 MFCCs, as a client rounds them.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"mfccs":[-412.613,58.207,-13.944,11.502,-9.871,-5.233,-14.806,-7.119,-8.934,-2.541,'
    .. '-5.087,-0.763,-4.412,-1.905,-3.378,0.284,-2.996,-1.147,-2.083,-0.519,-1.724,0.631,'
    .. '-1.268,-0.407,-0.955]}'
